"""Collect the axis strings of an annotation: ``list[Float[Array, "b c"]]`` has ``"b c"``."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING, Final

from sekisho.code import Entry, Expr, SubscriptExpr, constant_in, lower_expr, without_call
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


def _strings(
    program: Program, key: str, expr: Expr, seen: frozenset[tuple[str, Expr]]
) -> Iterator[str]:
    if (key, expr) in seen:
        return
    seen |= {(key, expr)}  # an alias or a record may contain itself
    match expr:
        case str():
            yield from _of_name(program, key, expr, seen)
        case ("const", str(text)):
            yield from _strings(program, key, _parsed(text), seen)
        case ("[]", _, _):
            yield from _of_subscript(program, key, expr, seen)
        case ("()", parts) | ("|" | "*", *parts):
            for each in parts:
                yield from _strings(program, key, each, seen)
        case _:
            pass


def _parsed(text: str) -> Expr:
    try:
        return lower_expr(ast.parse(text.strip(), mode="eval").body)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None


def _of_name(
    program: Program, key: str, name: str, seen: frozenset[tuple[str, Expr]]
) -> Iterator[str]:
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
    called = map(without_call, entry[3])
    decorators = {each.rpartition(".")[2] for each in called if isinstance(each, str)}
    bases = {split(each)[1] for each in program.mro(name)}
    if not decorators & _RECORDS and not bases & _TUPLES_AND_DICTS:
        return []
    return [annotation for each in entry[2].values() for annotation in _annotation_of(each)]


def _annotation_of(entry: Entry) -> tuple[Expr, ...]:
    match entry:
        case ("var", annotation, _):
            return (annotation,)
        case _:
            return ()


def _of_subscript(
    program: Program, key: str, expr: SubscriptExpr, seen: frozenset[tuple[str, Expr]]
) -> Iterator[str]:
    _, base, inside = expr
    if not isinstance(base, str):
        return
    symbol = program.dotted(key, base)
    module, name = split(symbol[1]) if symbol[0] == "class" else ("", base)
    if name in _WITHOUT_VALUES:
        return
    axes = constant_in(inside[1]) if module == "jaxtyping" and len(inside) > 1 else None
    if axes is not None:
        inside = inside[:1]
        # for a PyTree, this is the name of its structure
        if name != "PyTree" and isinstance(axes, str):
            yield axes
    elif name == "Annotated":
        inside = inside[:1]
    for each in (base, *inside):
        yield from _strings(program, key, each, seen)
