"""Find axes that code requires to be equal: ``x @ y``, ``solve(a, b)``, ``if x.shape[0] != y.shape[0]: raise``."""

from __future__ import annotations

import ast
import itertools
from collections import defaultdict
from typing import TYPE_CHECKING, Final

from sekisho.adoption.names import last_name, root_name
from sekisho.adoption.requirements import certain_nodes, required
from sekisho.adoption.shapes import axis_of, number_in, patterns_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Set

    Axis = tuple[str, int]
    """A parameter and the number of an axis. An axis from the right that the array lacks is its first."""

__all__ = ["bound_in", "equalities"]

_PRODUCTS: Final = frozenset({"matmul", "dot", "mm", "bmm", "mv"})
_SOLVING: Final = frozenset({"solve", "cho_solve", "lstsq", "solve_triangular"})
_SQUARE: Final = frozenset(
    """cholesky det eig eigh eigvals eigvalsh expm inv inverse logdet matrix_exp matrix_power slogdet
    solve""".split()  # noqa: SIM905 - a list of words reads better
)
"""Functions whose first argument is a square matrix, or a stack of them."""

_SWAPPING: Final = frozenset({"swapaxes", "transpose", "swapdims"})
_TURNED: Final = {-1: -2, -2: -1}


def equalities(
    statements: Iterable[ast.stmt], parameters: frozenset[str], imported: Set[str]
) -> frozenset[tuple[Axis, Axis]]:
    """Return the pairs of axes of parameters that have to be equal.

    Args:
        statements: the statements that every call runs while the parameters hold the arguments.
        parameters: the names of the parameters.
        imported: the names that the module has imported from array libraries.
    """
    pairs: list[tuple[Axis, Axis]] = []
    for statement in statements:
        pairs += _compared(statement)
        for each in certain_nodes(statement):
            pairs += _of_node(each, parameters, imported)
    return frozenset(
        (one, other)
        for one, other in pairs
        if one != other and one[0] in parameters and other[0] in parameters
    )


def bound_in(
    statements: Iterable[ast.stmt], parameters: frozenset[str]
) -> frozenset[tuple[str, str, int | str]]:
    """Return what every call passes on: ``x``, ``g`` and 0 of ``g(x)``."""
    found: set[tuple[str, str, int | str]] = set()
    for each in (node for statement in statements for node in certain_nodes(statement)):
        match each:
            case ast.Call(func=ast.Name(id=name) | ast.Attribute(attr=name)) if not _is_starred(
                each
            ):
                values: list[tuple[int | str, ast.expr]] = [*enumerate(each.args)]
                values += [(word.arg or "", word.value) for word in each.keywords]
                found |= {(x.id, name, at) for at, x in values if isinstance(x, ast.Name)}
            case _:
                pass
    return frozenset(each for each in found if each[0] in parameters)


def _is_starred(call: ast.Call) -> bool:
    """Whether a call has ``*args`` or ``**kwargs``, so that its arguments may be any."""
    has_star = any(isinstance(each, ast.Starred) for each in call.args)
    return has_star or any(word.arg is None for word in call.keywords)


def _of_node(
    node: ast.AST, parameters: frozenset[str], imported: Set[str]
) -> Iterator[tuple[Axis, Axis]]:
    match node:
        case ast.BinOp(left=left, op=ast.MatMult(), right=right):
            yield from _paired(_axis(left, -1), _axis(right, -2))
        case ast.BinOp(left=left, op=ast.Add() | ast.Sub(), right=right):
            one, other = _axis(left, -1), _axis(right, -1)
            # An array and its own transpose: ``x + x.T``. Two arrays may broadcast.
            if one is not None and other is not None and one[0] == other[0]:
                yield one, other
        case ast.Call() if _is_starred(node):
            pass
        case ast.Call(func=ast.Call() as made, args=args) if not _is_starred(made):
            yield from _mapped(made, args)
        case ast.Call():
            yield from _lettered(patterns_of(node))
            yield from _of_mathematics(node, parameters, imported)
        case _:
            pass


def _of_mathematics(
    call: ast.Call, parameters: frozenset[str], imported: Set[str]
) -> Iterator[tuple[Axis, Axis]]:
    """Yield what ``np.linalg.solve(a, b)`` and ``x.dot(y)`` require.

    Not ``solver.solve(a, b)`` nor ``inverse(x)``: an object or a function of the package may do anything.
    """
    args, is_method = [*call.args], False
    match call.func:
        case ast.Attribute(value=ast.Name(id=owner) as receiver, attr=name) if owner in parameters:
            args, is_method = [receiver, *call.args], True
        case ast.Attribute(value=value, attr=name) if root_name(value) in imported:
            pass
        case ast.Name(id=name) if name in imported:
            pass
        case _:
            return
    if name in _PRODUCTS and len(args) > 1:
        yield from _paired(_axis(args[0], -1), _axis(args[1], -2))
    if name in _SOLVING and len(args) > 1 and not is_method:
        yield from _paired(_axis(args[0], -2), _axis(args[1], -2))
    if name in _SQUARE and args and not (is_method and name in _SOLVING):
        yield from _paired(_axis(args[0], -2), _axis(args[0], -1))


def _mapped(made: ast.Call, args: list[ast.expr]) -> Iterator[tuple[Axis, Axis]]:
    """Yield what ``vmap(f)(x, y)`` and ``vmap(f, in_axes=(0, 1))(x, y)`` take item by item."""
    if not last_name(made.func).endswith("vmap"):
        return
    keywords = {word.arg: word.value for word in made.keywords}
    given = keywords.get("in_axes", keywords.get("in_dims", ast.Constant(0)))
    given = made.args[1] if len(made.args) > 1 else given
    places = given.elts if isinstance(given, (ast.Tuple, ast.List)) else [given] * len(args)
    found = [
        axis
        for value, place in zip(args, places, strict=False)
        if (number := number_in(place)) is not None and (axis := _axis(value, number)) is not None
    ]
    yield from itertools.combinations(found, 2)


def _lettered(arrays: Iterable[tuple[ast.expr, list[str]]]) -> Iterator[tuple[Axis, Axis]]:
    """Yield the axes with one word in a pattern."""
    places: dict[str, list[Axis]] = defaultdict(list)
    for value, words in arrays:
        at = words.index("...") if "..." in words else len(words)
        for index, word in enumerate(words):
            axis = _axis(value, index if index < at else index - len(words))
            if axis is not None and word != "..." and not word.isdecimal():
                places[word].append(axis)
    for axes in places.values():
        yield from itertools.combinations(axes, 2)


def _compared(statement: ast.stmt) -> Iterator[tuple[Axis, Axis]]:
    """Yield what ``assert x.shape[0] == y.shape[0]`` and ``if len(x) != len(y): raise`` require."""
    wanted = ast.Eq if isinstance(statement, ast.Assert) else ast.NotEq
    for test in required(statement):
        match test:
            case ast.Compare(ops=[op, *more]) if (
                isinstance(op, wanted)
                # ``if a != b != c: raise`` lets pass what differs in one place
                and all(isinstance(each, wanted) for each in more)
                and not (more and wanted is ast.NotEq)
            ):
                sides = [axis for part in (test.left, *test.comparators) if (axis := axis_of(part))]
                yield from itertools.pairwise(sides)
            case _:
                pass


def _axis(value: ast.expr, index: int) -> Axis | None:
    """Return the axis of a parameter that an expression has; those of ``x.T`` are turned."""
    match value:
        case ast.Name(id=name):
            return name, index
        case ast.Attribute(value=inner, attr="T" | "mT" | "H" | "mH") if index in _TURNED:
            return _axis(inner, _TURNED[index])
        case ast.Call() if index in _TURNED and (swapped := _swapped(value)) is not None:
            return _axis(swapped, _TURNED[index])
        case ast.Call(
            func=ast.Attribute(value=inner, attr="conj" | "conjugate" | "astype" | "to" | "float")
        ):
            return _axis(inner, index)
        case _:
            return None


def _swapped(call: ast.Call) -> ast.expr | None:
    """Return ``x`` of ``x.swapaxes(-1, -2)``, or of ``xp.swapaxes(x, -1, -2)``."""
    numbers = [number_in(each) for each in call.args[-2:]]
    match call:
        case ast.Call(func=ast.Attribute(value=value, attr=name)) if name in _SWAPPING:
            inner = call.args[0] if len(call.args) > 2 else value  # noqa: PLR2004 - and two axes
            return inner if {*numbers} == {*_TURNED} else None
        case _:
            return None


def _paired(one: Axis | None, other: Axis | None) -> Iterator[tuple[Axis, Axis]]:
    if one is not None and other is not None:
        yield one, other
