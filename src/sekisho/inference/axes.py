"""Collect the axis strings of an annotation: ``list[Float[Array, "b c"]]`` has ``"b c"``."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING, Any, Final

from sekisho.code import Expr, lower_expr, tag_of
from sekisho.inference.program import Program, split

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["axis_strings"]

_WITHOUT_VALUES: Final = frozenset({"Literal", "Callable", "type", "Type"})
"""Subscripts whose arguments say nothing about arrays in the value itself."""
_RECORDS: Final = frozenset({"dataclass", "define", "frozen", "mutable"})
_TUPLES_AND_DICTS: Final = frozenset({"NamedTuple", "TypedDict"})


def axis_strings(program: Program, key: str, expr: Expr) -> tuple[str, ...]:
    """Return the axis strings of an annotation, including those of its aliases and records.

    Args:
        program: the program that resolves its names.
        key: the module that contains it.
        expr: the annotation.
    """
    at = (key, expr)
    found = program.axes.get(at)
    if found is None:
        found = program.axes[at] = tuple(_strings(program, key, expr, frozenset()))
    return found


def _strings(program: Program, key: str, expr: Expr, seen: frozenset[Any]) -> Iterator[str]:
    tag = tag_of(expr)
    if (key, expr) in seen or tag not in {"name", "const", "|", "()", "[]", "*"}:
        return
    seen |= {(key, expr)}  # an alias or a record may contain itself
    if tag == "name":
        yield from _of_name(program, key, expr, seen)
    elif tag == "const":
        if isinstance(expr[1], str):
            yield from _strings(program, key, _parsed(expr[1]), seen)
    elif tag == "[]":
        yield from _of_subscript(program, key, expr, seen)
    else:
        for each in expr[1:]:
            yield from _strings(program, key, each, seen)


def _parsed(text: str) -> Expr:
    try:
        return lower_expr(ast.parse(text.strip(), mode="eval").body)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None


def _of_name(program: Program, key: str, name: str, seen: frozenset[Any]) -> Iterator[str]:
    match program.dotted(key, name):
        case ("variable", module, variable):
            entry = program.entry(f"{module}:{variable}")
            if entry is not None and entry[0] == "var":
                yield from _strings(program, module, entry[2], seen)
        case ("class", cls):
            for field in _fields(program, cls):
                yield from _strings(program, split(cls)[0], field, seen)
        case _:
            pass


def _fields(program: Program, name: str) -> list[Expr]:
    """Return the annotations of a record's fields; none if the class is not a record."""
    entry = program.entry(name)
    if entry is None or entry[0] != "class":
        return []
    called = (each[1] if tag_of(each) == "call" else each for each in entry[3])
    decorators = {each.rpartition(".")[2] for each in called if isinstance(each, str)}
    bases = {split(each)[1] for each in program.mro(name)}
    if not decorators & _RECORDS and not bases & _TUPLES_AND_DICTS:
        return []
    return [each[1] for each in entry[2].values() if each[0] == "var"]


def _of_subscript(program: Program, key: str, expr: Expr, seen: frozenset[Any]) -> Iterator[str]:
    _, base, *inside = expr
    if not isinstance(base, str):
        return
    symbol = program.dotted(key, base)
    module, name = split(symbol[1]) if symbol[0] == "class" else ("", base)
    if name in _WITHOUT_VALUES:
        return
    if module == "jaxtyping" and len(inside) > 1 and tag_of(inside[1]) == "const":
        inside, axes = inside[:1], inside[1][1]
        # for a PyTree, this is the name of its structure
        if name != "PyTree" and isinstance(axes, str):
            yield axes
    elif name == "Annotated":
        inside = inside[:1]
    for each in (base, *inside):
        yield from _strings(program, key, each, seen)
