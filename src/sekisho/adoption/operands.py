"""Find the parameters that a body uses as nothing but an array may be used, or passes on.

Numbers and lists do much of what arrays do: ``x - y`` works with a number, and in NumPy with a list
beside an array, too. So it takes a use that no number survives and one that no list survives. Slices
that are calculated with, as in ``0.5 * (x[1:] + x[:-1])``, show both.
"""

from __future__ import annotations

import ast
import enum
from collections import defaultdict
from typing import TYPE_CHECKING, Final, NamedTuple, TypeGuard

from sekisho.adoption.names import last_name
from sekisho.adoption.requirements import unconditional_nodes
from sekisho.adoption.shapes import einsum_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Set

__all__ = ["Uses", "uses_of"]

_OF_CONTAINERS: Final = frozenset({*dir(list), *dir(tuple), *dir(dict)})
"""Attributes that lists, tuples and dicts have, too."""

_OF_NUMBERS: Final = frozenset({*dir(int), *dir(float), *dir(complex)})

_Function = ast.FunctionDef | ast.AsyncFunctionDef


class _Not(enum.Flag):
    """What a use shows that a value is not."""

    NUMBER = enum.auto()
    LIST = enum.auto()
    LIST_BESIDE_ARRAYS = enum.auto()
    """Not a list in libraries that make no arrays of lists; NumPy combines a list with an array."""


_ARRAY: Final = _Not.NUMBER | _Not.LIST
_TENSOR: Final = _Not.NUMBER | _Not.LIST_BESIDE_ARRAYS


class Uses(NamedTuple):
    """How a body uses its parameters.

    Attributes:
        arrays: those that it uses as nothing but an array may be used.
        combined: those that it uses as nothing but an array may be used, in a library that makes no
            arrays of lists.
        parts: those that it calls a part of its object with, as in ``self.layer(x)``.
        passes: those that it passes by themselves, each with the name of the function.
        listed: those that it passes in a list or a tuple, each with the name of the function.
    """

    arrays: frozenset[str]
    combined: frozenset[str]
    parts: frozenset[str]
    passes: frozenset[tuple[str, str]]
    listed: frozenset[tuple[str, str]]


def uses_of(node: _Function, parameters: frozenset[str], sized: Set[str]) -> Uses:
    """Find how a body uses its parameters, outside of branches and before they are assigned to.

    Args:
        node: the function.
        parameters: the names of its parameters.
        sized: the parameters whose shape the docstring gives, and which it calls neither number nor list.
    """
    shown: dict[str, _Not] = defaultdict(lambda: _Not(0))
    passes: set[tuple[str, str]] = set()
    listed: set[tuple[str, str]] = set()
    parts: set[str] = set()
    stored = _first_stores(node)
    for each in unconditional_nodes(node):
        for value, what in _shown_by(each):
            if _is_passed_value(value, stored):
                shown[value.id] |= what
        match each:
            case ast.Call(func=ast.Name(id=name) | ast.Attribute(attr=name)):
                values = [*each.args, *(word.value for word in each.keywords)]
                passes |= {(part.id, name) for part in values if _is_passed_value(part, stored)}
                items = (x for value in values for x in _items(value))
                listed |= {(x.id, name) for x in items if _is_passed_value(x, stored)}
            case _:
                pass
        match each:
            case ast.Call(func=ast.Attribute(value=ast.Name(id="self")), args=[ast.Name(id=x), *_]):
                parts.add(x)
            case _:
                pass
    for name in sized & shown.keys():
        shown[name] |= _ARRAY
    return Uses(
        frozenset(x for x, what in shown.items() if _ARRAY in what) & parameters,
        frozenset(x for x, what in shown.items() if _TENSOR in what) & parameters,
        frozenset(parts) & parameters,
        frozenset(each for each in passes if each[0] in parameters),
        frozenset(each for each in listed if each[0] in parameters),
    )


def _items(node: ast.expr) -> list[ast.expr]:
    return node.elts if isinstance(node, (ast.List, ast.Tuple)) else []


def _shown_by(node: ast.AST) -> Iterator[tuple[ast.expr, _Not]]:
    """Yield the values that an operation uses, and what they cannot be."""
    match node:
        case ast.Attribute(value=value, attr=attr):
            if attr not in _OF_CONTAINERS:
                yield value, _Not.LIST | _Not.LIST_BESIDE_ARRAYS
            if attr not in _OF_NUMBERS:
                yield value, _Not.NUMBER
        case ast.Subscript(value=value, slice=ast.Tuple() | ast.Constant(value=None)):
            yield value, _ARRAY | _TENSOR
        case ast.Subscript(value=value) | ast.Call(func=ast.Name(id="len"), args=[value]):
            yield value, _Not.NUMBER
        case ast.BinOp(left=left, op=op, right=right):
            yield from _shown_by_operation(left, op, right)
        case ast.Compare(
            left=left, ops=[ast.Lt() | ast.LtE() | ast.Gt() | ast.GtE()], comparators=[right]
        ):  # which ``==`` does not show: it compares everything with everything
            yield from _shown_by_operation(left, ast.Sub(), right)
        case ast.Call() if _is_einops_einsum(node):
            yield from ((value, _ARRAY | _TENSOR) for value in (einsum_of(node) or ((), (), ()))[2])
        case ast.UnaryOp(op=ast.USub() | ast.UAdd() | ast.Invert(), operand=value):
            yield value, _Not.LIST | _Not.LIST_BESIDE_ARRAYS
        case _:
            pass


def _shown_by_operation(
    left: ast.expr, op: ast.operator, right: ast.expr
) -> Iterator[tuple[ast.expr, _Not]]:
    more = _Not.NUMBER if isinstance(op, ast.MatMult) else _Not(0)
    for value, other in ((left, right), (right, left)):
        is_beside_float = isinstance(other, ast.Constant) and type(other.value) is float
        # ``2 * x`` repeats a list, and the right operand is often a number, as in ``x / scale``
        if not (
            value is left or is_beside_float or isinstance(op, ast.Add | ast.Sub | ast.MatMult)
        ):
            continue
        for each in (value, *_slices(value)):
            yield each, _Not.LIST_BESIDE_ARRAYS | more
            if is_beside_float or _refuses_lists(each, op, other):
                yield each, _Not.LIST


def _refuses_lists(value: ast.expr, op: ast.operator, other: ast.expr) -> bool:
    """Whether an operation fails if a value is a list: beside a number, or beside itself."""
    if isinstance(other, ast.Constant):
        return not isinstance(op, ast.Mult)
    whole = next(_slices(other), other)  # ``x - x[0]`` works if the items are NumPy's scalars
    is_itself = isinstance(value, ast.Name) and getattr(whole, "id", "") == value.id
    return is_itself and not isinstance(op, ast.Add)


def _slices(node: ast.expr) -> Iterator[ast.expr]:
    """Yield what slices are taken of, in ``x[1:]`` and in sums of slices."""
    match node:
        case ast.Subscript(value=value, slice=ast.Slice()):
            yield value
        case ast.BinOp(left=left, op=ast.Add(), right=right):
            yield from (*_slices(left), *_slices(right))
        case ast.BinOp(left=ast.Constant(value=float()), op=ast.Mult(), right=other):
            yield from _slices(other)
        case _:
            pass


def _is_einops_einsum(call: ast.Call) -> bool:
    """Whether the pattern is the last argument: NumPy's einsum has it in front, and takes lists."""
    return (
        last_name(call.func) == "einsum"
        and bool(call.args)
        and isinstance(call.args[-1], ast.Constant)
    )


def _first_stores(node: _Function) -> dict[str, int]:
    """The first line in which each name is assigned to."""
    stored: dict[str, int] = {}
    for each in ast.walk(node):
        if isinstance(each, ast.Name) and isinstance(each.ctx, ast.Store):
            stored[each.id] = min(each.lineno, stored.get(each.id, each.lineno))
    return stored


def _is_passed_value(node: ast.expr, stored: Mapping[str, int]) -> TypeGuard[ast.Name]:
    """Whether a name still has what was passed: behind ``x = normalised(x)`` it has not."""
    return isinstance(node, ast.Name) and node.lineno <= stored.get(node.id, node.lineno)
