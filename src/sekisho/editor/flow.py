"""Which bindings of a name may be those that a place sees: by the blocks that they stand in."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from sekisho.inference import Function, Variable

__all__ = ["reaching"]

_Position = tuple[int, int]
_Path = tuple[tuple[int, str], ...]
_BODIES: Final = ("body", "orelse", "finalbody")
_SCOPES: Final = (ast.FunctionDef, ast.AsyncFunctionDef)
_LOOPS: Final = (ast.For, ast.AsyncFor, ast.While)


class _Spot(NamedTuple):
    """A position in a function.

    Attributes:
        path: the blocks around it, outermost first: a statement, and which of its blocks.
        loops: those of them that are bodies of loops, by their place in `path`.
        end: where the statement ends, if it has no blocks: what it binds is seen behind it.
    """

    path: _Path
    loops: tuple[int, ...]
    end: _Position | None


class _Binding(NamedTuple):
    variable: Variable
    path: _Path
    seen_from: _Position


def reaching(
    body: Sequence[ast.stmt], function: Function, name: str, line: int, column: int
) -> list[Variable]:
    """Return the bindings of a name that may be seen at a place, the nearest first.

    What leaves a block early is not followed: a binding too many may be returned, and none too few.

    Args:
        body: the statements of the function.
        function: what was read of it.
        name: of the variable.
        line: of the place.
        column: of the place, as `ast` counts.
    """
    here = (line, column)
    variables = [each for each in function.variables if each.name == name]
    for each in variables:
        if (each.line, each.column) == here:
            return [each]  # the place binds it
    bindings = [_binding(body, each) for each in variables]
    spot = _find(body, here)
    before = sorted((each for each in bindings if each.seen_from <= here), key=_order, reverse=True)
    found, cut = _walk_back(before, spot.path)
    for depth in spot.loops:
        if len(cut) > depth:
            continue  # bound anew in each turn, in front of the place
        inside = spot.path[: depth + 1]
        found += [
            each.variable
            for each in sorted(bindings, key=_order)
            if each.seen_from > here and each.path[: depth + 1] == inside
        ]
    return [*dict.fromkeys(found)]


def _order(binding: _Binding) -> _Position:
    return binding.seen_from


def _walk_back(before: Iterable[_Binding], path: _Path) -> tuple[list[Variable], _Path]:
    """Return the bindings that may be seen from a block, and the block of the one that hides all before."""
    found: list[Variable] = []
    branches: set[_Path] = set()
    for each in before:
        if _excludes(each.path, path):
            continue
        found.append(each.variable)
        if each.path == path[: len(each.path)]:
            return found, each.path
        # Both branches of an `if` bind it: nothing in front of it is seen.
        branches.add(each.path)
        above, (statement, field) = each.path[:-1], each.path[-1]
        other = {"if": "if-else", "if-else": "if"}.get(field)
        is_whole = other is not None and (*above, (statement, other)) in branches
        if is_whole and above == path[: len(above)]:
            return found, above
    return found, ()


def _excludes(one: _Path, other: _Path) -> bool:
    """Whether two places are in two branches of one statement, so that only one of them is run."""
    for (first, branch), (second, another) in zip(one, other, strict=False):
        if first != second:
            return False
        if branch != another:
            return branch.startswith(("if", "case")) and another.startswith(("if", "case"))
    return False


def _binding(body: Sequence[ast.stmt], variable: Variable) -> _Binding:
    at = (variable.line, variable.column)
    spot = _find(body, at)
    return _Binding(variable, spot.path, spot.end or at)


def _find(body: Sequence[ast.stmt], at: _Position) -> _Spot:
    path: list[tuple[int, str]] = []
    loops: list[int] = []
    end: _Position | None = None
    statements: Sequence[ast.stmt] | None = body
    while statements is not None:
        node = next((each for each in statements if _contains(each, at)), None)
        statements = None
        if node is None or isinstance(node, _SCOPES):
            break
        blocks = [*_blocks(node)]
        if not blocks:
            end = node.end_lineno or node.lineno, node.end_col_offset or 0
        for field, inner in blocks:
            if inner and _start(inner[0]) <= at and any(_contains(each, at) for each in inner):
                if isinstance(node, _LOOPS) and field == "body":
                    loops.append(len(path))
                path.append((id(node), field))
                statements = inner
    return _Spot(tuple(path), tuple(loops), end)


def _start(node: ast.stmt) -> _Position:
    return node.lineno, node.col_offset


def _contains(node: ast.stmt, at: _Position) -> bool:
    # A decorator stands in front of the line that a definition begins in.
    return _start(node) <= at <= (node.end_lineno or node.lineno, node.end_col_offset or 0)


def _blocks(node: ast.stmt) -> Iterable[tuple[str, list[ast.stmt]]]:
    """Yield the blocks of a statement, each by a name that tells which exclude each other."""
    if isinstance(node, ast.If):
        yield "if", node.body
        yield "if-else", node.orelse
        return
    for field in _BODIES:
        inner: list[ast.stmt] = getattr(node, field, [])
        if inner:
            yield field, inner
    for number, handler in enumerate(getattr(node, "handlers", ())):
        yield f"handler {number}", handler.body
    for number, case in enumerate(getattr(node, "cases", ())):
        yield f"case {number}", case.body
