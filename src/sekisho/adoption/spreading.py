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
from sekisho.adoption.combining import BY_ITSELF, Values, reshapes
from sekisho.adoption.recasting import Cast, either_cast
from sekisho.adoption.shapes import number_in

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from sekisho.adoption.aligning import Origins
    from sekisho.adoption.combining import Need

__all__ = ["Spread", "spread_of"]

_Function = ast.FunctionDef | ast.AsyncFunctionDef


class Spread(NamedTuple):
    """What the operations of a body say of its arguments.

    Attributes:
        tails: by parameter, how many of its last axes the code speaks of.
        ranked: by parameter, the functions that may need a number of axes; ``""`` is the body itself.
        floats: by parameter, the functions that may need floats, each with those that the value comes
            through; ``""`` is the body itself.
        divided: the parameters that every call divides in place, or the like: ``x /= 2`` fails for integers
            wherever it writes into the array.
        recast: the parameters that results are made of, in another dtype, or perhaps in another one.
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
    floats: Mapping[str, frozenset[Need]]
    divided: frozenset[str]
    recast: frozenset[str]
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
            found.enclose(_named_in(each) & parameters)
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
        self._divided: set[str] = set()
        self._recast: set[str] = set()
        self._kept: set[str] = set()
        self._is_certain = True

    def run(self, statement: ast.stmt, *, is_certain: bool) -> None:
        """Follow the arguments through a statement, without the blocks in it."""
        self._is_certain = is_certain
        self.forget()
        self.visit(statement)

    def enclose(self, names: Iterable[str]) -> None:
        """Note that a function inside uses names, which hold what they hold in the end."""
        for name in names:
            self.lose({name: 0})
            if name not in self.casts.held.get(name, Cast()).lost:
                self.floats[name].add((BY_ITSELF, frozenset()))

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
        """Combine a name with a value; an array of integers cannot become one of floats."""
        held = self.together([node.target, node.value])
        before = self.casts.of(node.target)
        cast = self.casts.combined(node.op, node.target, node.value)
        names = self.value(node.target)
        is_alone = isinstance(node.target, ast.Name) and [*names.values()] == [0]
        is_certain = self._is_certain and not self._given  # no call has returned before
        if cast.is_float and is_certain and is_alone and not before.through:
            self._divided |= names.keys() - before.lost
        self._hold(node.target, held, cast)
        return {}

    def visit_For(self, node: ast.For | ast.AsyncFor) -> Origins:
        """Let names hold what a loop yields: parts of an array, or items of a list, of any dtype."""
        is_direct = not isinstance(node.iter, ast.Call)
        held = self.lose(self.value(node.iter)) if is_direct else self.use(node.iter)
        self._is_certain = False  # there may be nothing to yield
        self._hold_each(node.target, held, self.casts.of(node.iter))
        return {}

    visit_AsyncFor = visit_For  # noqa: N815 - ast requires this name

    def visit_Return(self, node: ast.Return) -> Origins:
        """Note what a result is made of, or each item of a tuple."""
        value = node.value
        parts = {"return": value} if value is not None else {}
        if isinstance(value, ast.Tuple):
            parts = {f"return[{number}]": part for number, part in enumerate(value.elts)}
        for place, part in parts.items():
            self._given[place].append(self.value(part))
            lost = self.casts.of(part).lost
            self._recast |= lost
            self._kept |= self.value(part).keys() - lost
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
            case _:
                self._hold_each(target, self.value(value), self.casts.of(value))

    def _hold_each(self, target: ast.expr, held: Origins, cast: Cast) -> None:
        parts = target.elts if isinstance(target, (ast.Tuple, ast.List)) else [target]
        for part in parts:
            self._hold(part, held, cast)

    def _hold(self, target: ast.expr, held: Origins, cast: Cast) -> None:
        if isinstance(target, ast.Name):
            name = target.id
            before = [] if self._is_certain else self.held.get(name, [])
            self.held[name] = [*before, held]
            casts = [self.casts.held[name]] if before and name in self.casts.held else []
            self.casts.held[name] = either_cast([*casts, cast])
        elif isinstance(target, ast.Subscript):
            self.value(target)
        elif isinstance(target, ast.Attribute):
            self.lose(held)  # what others do with it is not known

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
            frozenset(self._divided) & self._parameters,
            frozenset(self._recast - self._kept) & self._parameters,
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
