"""Follow the arguments of a function through operations that broadcast.

``a * b[..., None]`` and ``norm(a - b, dim=-1)`` take arrays of any number of axes, and axes of 1 where
the other array has more. So equal sizes in all calls do not make two such axes one. This module says
which arguments a body uses in this way only, how many of their last axes it speaks of, and which of
them have to broadcast together.
"""

from __future__ import annotations

import ast
import itertools
from collections import defaultdict
from typing import TYPE_CHECKING, NamedTuple

from sekisho.adoption.aligning import together
from sekisho.adoption.combining import Values, reshapes
from sekisho.adoption.shapes import number_in

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from sekisho.adoption.aligning import Origins

__all__ = ["Spread", "spread_of"]

_Function = ast.FunctionDef | ast.AsyncFunctionDef


class Spread(NamedTuple):
    """What the operations of a body say of its arguments.

    Attributes:
        tails: by parameter, how many of its last axes the code speaks of.
        ranked: by parameter, the functions that may need a number of axes; ``""`` is the body itself.
        floats: by parameter, the functions that may need floats; ``""`` is the body itself.
        together: groups of parameters (and ``return``) whose axes in front broadcast together, each with
            how many axes are behind them.
        loose: pairs of parameters that are combined by broadcasting.
        tied: pairs of parameters that have to have equal sizes, since they are compared or joined.
        varied: the results that one ``return`` gives other axes, as by ``tile``, and another one does not.
        used: the parameters that the body uses.
        numbers: the parameters that it calculates with, as with integers and floats alike.
    """

    tails: Mapping[str, int]
    ranked: Mapping[str, frozenset[str]]
    floats: Mapping[str, frozenset[str]]
    together: tuple[Mapping[str, int], ...]
    loose: frozenset[frozenset[str]]
    tied: frozenset[frozenset[str]]
    varied: frozenset[str]
    used: frozenset[str]
    numbers: frozenset[str]


def spread_of(node: _Function, parameters: frozenset[str]) -> Spread:
    """Follow the parameters of a function through its body."""
    found = _Flow(parameters)
    for statement, is_certain in _statements(node.body, is_certain=True):
        found.run(statement, is_certain=is_certain)
    for each in ast.walk(node):
        if (
            isinstance(each, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda))
            and each is not node
        ):
            found.lose(dict.fromkeys(_named_in(each) & parameters, 0))
    return found.result()._replace(used=_named_in(node) & parameters)


def _statements(body: Iterable[ast.stmt], *, is_certain: bool) -> Iterator[tuple[ast.stmt, bool]]:
    """Yield statements in their order, and whether every call runs them; those of a loop come twice."""
    for each in body:
        yield each, is_certain
        if isinstance(each, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            continue
        is_with = isinstance(each, (ast.With, ast.AsyncWith))
        is_loop = isinstance(each, (ast.For, ast.AsyncFor, ast.While))
        blocks = [getattr(each, field, []) for field in ("body", "orelse", "finalbody")]
        blocks += [
            inner.body for inner in (*getattr(each, "handlers", ()), *getattr(each, "cases", ()))
        ]
        for block in (*blocks, *blocks[: int(is_loop)]):
            yield from _statements(block, is_certain=is_certain and is_with)


def _named_in(node: ast.AST) -> frozenset[str]:
    return frozenset(each.id for each in ast.walk(node) if isinstance(each, ast.Name))


class _Flow(Values, ast.NodeVisitor):
    """Where the arguments go, statement by statement."""

    def __init__(self, parameters: frozenset[str]) -> None:
        super().__init__(parameters)
        self._parameters = parameters
        self._given: dict[str, list[Origins]] = defaultdict(list)
        self._reshaped: dict[str, set[bool]] = defaultdict(set)
        self._is_certain = True

    def run(self, statement: ast.stmt, *, is_certain: bool) -> None:
        """Follow the arguments through a statement, without the blocks in it."""
        self._is_certain = is_certain
        self.forget()
        self.visit(statement)

    def visit_Assign(self, node: ast.Assign) -> Origins:
        """Let names hold a value."""
        for target in node.targets:
            self._assign(target, node.value)
        return {}

    def visit_AnnAssign(self, node: ast.AnnAssign) -> Origins:
        """Let a name hold a value, if there is one."""
        if node.value is not None:
            self._assign(node.target, node.value)
        return {}

    def visit_AugAssign(self, node: ast.AugAssign) -> Origins:
        """Combine a name with a value."""
        self._hold(node.target, self.together([node.target, node.value]))
        return {}

    def visit_Return(self, node: ast.Return) -> Origins:
        """Note what a result is made of, or each item of a tuple."""
        value = node.value
        parts = {"return": value} if value is not None else {}
        if isinstance(value, ast.Tuple):
            parts = {f"return[{number}]": part for number, part in enumerate(value.elts)}
        for place, part in parts.items():
            self._given[place].append(self.value(part))
            self._reshaped[place].add(reshapes(part))
        return {}

    def visit_Assert(self, node: ast.Assert | ast.If | ast.While) -> Origins:
        """Note what a test compares; the blocks behind it follow by themselves."""
        self._tie(node.test)
        self.value(node.test)
        return {}

    visit_If = visit_While = visit_Assert  # noqa: N815 - ast requires these names

    def visit_Expr(self, node: ast.Expr) -> Origins:
        """Follow the arguments through an expression whose value is not used."""
        return self.value(node.value)

    def visit_Raise(self, node: ast.AST) -> Origins:
        """Leave out what is part of no valid call, and what is not run here."""
        del node
        return {}

    visit_FunctionDef = visit_AsyncFunctionDef = visit_ClassDef = visit_Raise  # noqa: N815 - as above

    def _assign(self, target: ast.expr, value: ast.expr) -> None:
        match target, value:
            case ast.Tuple(elts=names), ast.Tuple(elts=values) if len(names) == len(values):
                for name, each in zip(names, values, strict=True):
                    self._assign(name, each)
            case ((ast.Tuple(elts=names) | ast.List(elts=names)), ast.expr()):
                held = self.value(value)
                for name in names:
                    self._hold(name, held)
            case _:
                self._hold(target, self.value(value))

    def _hold(self, target: ast.expr, held: Origins) -> None:
        if isinstance(target, ast.Name):
            before = [] if self._is_certain else self.held.get(target.id, [])
            self.held[target.id] = [*before, held]
        elif isinstance(target, ast.Subscript):
            self.value(target)
        elif isinstance(target, ast.Attribute):
            self.lose(held, floats=False)  # what others do with it is not known

    def _tie(self, test: ast.expr) -> None:
        """Note the arguments whose sizes are compared."""
        for each in ast.walk(test):
            if isinstance(each, ast.Compare):
                sides = [_sized_in(part) for part in (each.left, *each.comparators)]
                self.tied |= {frozenset(pair) for pair in itertools.pairwise(sides) if all(pair)}

    def result(self) -> Spread:
        """Return what is known of the parameters."""
        return Spread(
            dict(self.tails),
            {x: frozenset(self.ranked[x]) for x in self._parameters & self.ranked.keys()},
            {x: frozenset(self.floats[x]) for x in self._parameters & self.floats.keys()},
            tuple(together(self._parameters, self.pairs, self.tails, self._given)),
            frozenset(self.loose - self.tied),
            frozenset(self.tied),
            frozenset(place for place, each in self._reshaped.items() if len(each) > 1),
            frozenset(),
            frozenset(self.numbers) & self._parameters,
        )


def _sized_in(node: ast.expr) -> str:
    """Return the name whose first sizes, or all, an expression gives; "" if there is none."""
    match node:
        case ast.Attribute(value=ast.Name(id=name), attr="shape"):
            return name
        case ast.Subscript(value=ast.Attribute(value=ast.Name(id=name), attr="shape"), slice=index):
            return "" if (number_in(index) or 0) < 0 else name
        case ast.Call(func=ast.Name(id="len"), args=[ast.Name(id=name)]):
            return name
        case _:
            return ""
