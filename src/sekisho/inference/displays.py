"""Infer displays and comprehensions: ``[a, b]``, ``{**c}``, ``[f(x) for x in y]``."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING, Final

from sekisho.inference.iterating import iterated
from sekisho.inference.narrowing import narrow
from sekisho.inference.targets import LARGEST_RECORD, store
from sekisho.inference.value_types import NEVER, UNKNOWN, Key, Value, dict_of, list_of, tuple_of
from sekisho.inference.values import join, join_all

if TYPE_CHECKING:
    from sekisho.inference.frame import Frame

__all__ = ["read_comprehension", "read_dict", "read_list", "read_tuple"]


def read_list(frame: Frame, node: ast.List | ast.Set) -> Value:
    """Return the value of a list or set display."""
    items = [
        iterated(frame, frame.evaluate(frame, each.value))
        if isinstance(each, ast.Starred)
        else frame.evaluate(frame, each)
        for each in node.elts
    ]
    return list_of(join_all(items), "list" if isinstance(node, ast.List) else "set")


def read_tuple(frame: Frame, node: ast.Tuple) -> Value:
    """Return the value of a tuple display."""
    items: list[Value] = []
    for each in node.elts:
        if isinstance(each, ast.Starred):
            held = frame.evaluate(frame, each.value)
            if held[0] != "tuple":
                rest = [iterated(frame, held), *items]
                rest += [
                    frame.evaluate(frame, other)
                    for other in node.elts
                    if not isinstance(other, ast.Starred)
                ]
                return list_of(join_all(rest), "tuple")
            items += held[1]
        else:
            items.append(frame.evaluate(frame, each))
    return tuple_of(items)


def read_dict(frame: Frame, node: ast.Dict) -> Value:
    """Return the value of a dict display; values under constant keys are kept apart."""
    rest: Value = NEVER
    known: dict[Key, Value] = {}
    for key, each in zip(node.keys, node.values, strict=True):
        value = frame.evaluate(frame, each)
        if key is None:
            if value[0] == "dict":
                known.update(value[2])
                rest = join(rest, value[1])
            else:
                rest = UNKNOWN
        elif (
            isinstance(key, ast.Constant)
            and isinstance(key.value, (str, int))
            and len(known) < LARGEST_RECORD
        ):
            known[key.value] = value
        else:
            frame.evaluate(frame, key)
            rest = join(rest, value)
    return dict_of(rest, known)


_COMPREHENSIONS: Final[dict[type, str]] = {
    ast.ListComp: "list",
    ast.SetComp: "set",
}
_Comprehension = ast.ListComp | ast.SetComp | ast.DictComp | ast.GeneratorExp


def read_comprehension(frame: Frame, node: _Comprehension) -> Value:
    """Return the value of a comprehension, or of a generator expression."""
    before = frame.env
    frame.env = frame.branch()
    for generator in node.generators:
        source = frame.evaluate(frame, generator.iter)
        store(frame, generator.target, iterated(frame, source), generator.target)
        for test in generator.ifs:
            frame.evaluate(frame, test)
            narrow(frame, test, is_true=True)
    if isinstance(node, ast.DictComp):
        frame.evaluate(frame, node.key)
        result: Value = dict_of(frame.evaluate(frame, node.value))
    else:
        kind = _COMPREHENSIONS.get(node.__class__, "iterator")
        result = list_of(frame.evaluate(frame, node.elt), kind)
    frame.env = before
    return result
