"""What calling a class gives: an instance, and what is known of what it holds."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from sekisho.code import without_call
from sekisho.inference.annotations import value_of_class
from sekisho.inference.events import CROSS
from sekisho.inference.frame import Frame, dotted_of
from sekisho.inference.iterating import iterated
from sekisho.inference.known_call import KnownCall
from sekisho.inference.loaders import make_dataset, make_loader, stand_in
from sekisho.inference.members import find_method
from sekisho.inference.overloads import Arguments
from sekisho.inference.own_calls import call_one
from sekisho.inference.program import split
from sekisho.inference.pythons import call_python
from sekisho.inference.refusals import note_refused
from sekisho.inference.states import note_read
from sekisho.inference.value_types import (
    EXACT,
    NEVER,
    UNKNOWN,
    Value,
    dict_of,
    instance,
    list_of,
    tuple_of,
)
from sekisho.inference.values import arrays_in, is_never, join_all

if TYPE_CHECKING:
    import ast

    from sekisho.inference.loaders import Caller

__all__ = ["PARTIAL", "construct"]

PARTIAL: Final = "functools:partial"
_PASSING: Final = frozenset({"tqdm.std:tqdm"})
"""Classes that iterate over what they are given, and show how far they are."""

_LAST: Final = frozenset({"takewhile", "dropwhile", "filterfalse"})
_CHAINED: Final = frozenset({"chain", "islice", "cycle", *_LAST})

_DATACLASSES: Final = frozenset(
    {"dataclass", "dataclasses.dataclass", "define", "attrs.define", "frozen"}
)


def construct(frame: Frame, cls: str, call: Arguments, node: ast.Call, call_value: Caller) -> Value:
    """What calling a class gives.

    Args:
        frame: where it is called.
        cls: the class.
        call: what it is passed.
        node: the call.
        call_value: what calling a value gives.
    """
    of_python = _construct_python(frame, cls, call, node, call_value)
    if of_python is not None:
        return of_python
    knowledge = frame.knowledge
    world = frame.program.world_of_class(cls)
    for name, entry in find_method(frame, cls, "__init__", is_exact=True)[:1]:
        if frame.program.is_own(name):
            break
        made = knowledge.instance_of(cls)
        known = KnownCall(frame, name, entry, call, node, made)
        if knowledge.is_strict(name) or name in knowledge.only:
            note_refused(known)
        note_read(known)
    if world is not None and not frame.program.is_own(cls):
        value = knowledge.instance_of(cls)
        for other in arrays_in(call.args[0]) if call.args else ():
            if other != world[0] and world[1]:
                shown = f"{world[0]}.{split(cls)[1]}"
                frame.note(CROSS, node, dotted_of(node.args[0]), (shown, other, world[0], False))
        return value
    if cls.endswith(":device") and node.args:
        given = call.args[0]
        return instance(cls, given[2] if given[0] == "instance" else None)
    for base in frame.program.mro(cls):
        if base in _PASSING and call.args:
            return list_of(iterated(frame, call.args[0]), "iterator")
        if base in knowledge.chains:
            return instance(cls, _chain(call))
        if base in knowledge.holders:
            held = join_all(iterated(frame, each) for each in call.args)
            return instance(cls, None if is_never(held) else held)
        source = make_dataset(frame, base, call) or make_loader(frame, base, call, node, call_value)
        if source is not None and not frame.program.is_own(cls):
            return source
    value = knowledge.instance_of(cls)
    if frame.program.is_own(cls):
        _initialise(frame, cls, call, node, value)
    return value


def _construct_python(
    frame: Frame, cls: str, call: Arguments, node: ast.Call, call_value: Caller
) -> Value | None:
    """What calling a class of Python's own gives; None if it is another's."""
    key, last = split(cls)
    if key == "builtins":
        if last == "super":
            return _super(frame)
        if last == "map" and len(call.args) > 1:
            items = tuple(iterated(frame, each) for each in call.args[1:])
            written = stand_in(node, node.args[0], len(items))
            return list_of(call_value(frame, call.args[0], Arguments(items), written), "iterator")
        found = call_python(last, call, lambda value: iterated(frame, value))
        return value_of_class(frame.program, cls) if found is None else found
    if key == "itertools" and call.args and last in _CHAINED and not call.is_open:
        chained = (
            call.args if last == "chain" else call.args[-1:] if last in _LAST else call.args[:1]
        )
        return list_of(join_all(iterated(frame, each) for each in chained), "iterator")
    if cls == "collections:defaultdict":
        return dict_of(NEVER)
    if cls in {"collections:deque", "collections:OrderedDict"}:
        item = iterated(frame, call.args[0]) if call.args else NEVER
        return list_of(item, "deque") if last == "deque" else dict_of(item)
    if cls == PARTIAL and call.args:
        named = dict_of(NEVER, dict(call.kwargs))
        return ("partial", call.args[0], tuple_of(call.args[1:]), named)
    return None


def _chain(call: Arguments) -> Value | None:
    """The modules of a chain; what comes out of a container that is unpacked, and behind it, in one."""
    rest = () if is_never(call.rest) else (list_of(call.rest, "rest"),)
    if call.is_open and not rest:
        return None
    return tuple_of((*call.args, *rest)) if call.args or rest else None


def _super(frame: Frame) -> Value:
    owner = frame.unit.owner
    if not owner:
        return UNKNOWN
    above = frame.program.mro(owner)[1:]
    return instance(above[0], EXACT) if above else UNKNOWN


def _initialise(frame: Frame, cls: str, call: Arguments, node: ast.Call, value: Value) -> None:
    """Tell a class's ``__init__``, or its fields, what an instance is made of."""
    for name, entry in find_method(frame, cls, "__init__", is_exact=True):
        if frame.program.is_own(name):
            call_one(KnownCall(frame, name, entry, call, node, value))
            return
    written = frame.program.entry(cls)
    if written is None or written[0] != "class":
        return
    decorators = {without_call(each) for each in written[3]}
    is_tuple = any(base.endswith(":NamedTuple") for base in frame.program.mro(cls))
    if not decorators & _DATACLASSES and not is_tuple:
        return
    fields = [name for name, each in written[2].items() if each[0] == "var" and each[1] is not None]
    for name, given in (*zip(fields, call.args, strict=False), *call.kwargs):
        frame.give(f"a {cls}.{name}", given, node.lineno)
