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
from typing import TYPE_CHECKING, Final, NamedTuple

from sekisho.adoption.operations import (
    CREATING,
    ELEMENTWISE,
    JOINING,
    KEEPING,
    NEEDS_FLOATS,
    OF_MATRICES,
    REDUCING,
    RESHAPING,
    WITHOUT_AXES,
)
from sekisho.adoption.shapes import einsum_of, number_in

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    Origins = Mapping[str, int | None]
    """The parameters that a value is made of, and how many axes it has behind those of each that lead
    its axes; None where the axes are others."""

__all__ = ["Spread", "spread_of"]

_Function = ast.FunctionDef | ast.AsyncFunctionDef
_BY_ITSELF: Final = ""
"""The place of a callee's name where no function but the body itself needs something."""

_OTHER: Final = "or something else"
"""Stands beside the arguments that a value may be made of."""

_OF_NUMBERS: Final = (ast.Sub, ast.Mult, ast.Div, ast.Pow)
_ABOUT_AXES: Final = frozenset({"shape", "size", "dtype", "device", "ndim", "requires_grad", "layout"})


class Spread(NamedTuple):
    """What the operations of a body say of its arguments.

    Attributes:
        tails: by parameter, how many of its last axes the code speaks of.
        ranked: by parameter, the functions that may need a number of axes; ``""`` is the body itself.
        floats: by parameter, the functions that may need floats; ``""`` is the body itself.
        together: groups of parameters (and ``return``) whose axes in front broadcast together, each with
            how many axes are behind them.
        loose: pairs of parameters that are combined by broadcasting.
        used: the parameters that the body uses.
        numbers: the parameters that it calculates with, as with integers and floats alike.
    """

    tails: Mapping[str, int]
    ranked: Mapping[str, frozenset[str]]
    floats: Mapping[str, frozenset[str]]
    together: tuple[Mapping[str, int], ...]
    loose: frozenset[frozenset[str]]
    used: frozenset[str]
    numbers: frozenset[str]


def spread_of(node: _Function, parameters: frozenset[str]) -> Spread:
    """Follow the parameters of a function through its body."""
    found = _Flow(parameters)
    for statement, is_certain in _statements(node.body, is_certain=True):
        found.run(statement, is_certain=is_certain)
    for each in ast.walk(node):
        if isinstance(each, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)) and each is not node:
            found.lose(dict.fromkeys(_named_in(each) & parameters, 0))
    return found.result()._replace(used=_named_in(node) & parameters)


def _statements(
    body: Iterable[ast.stmt], *, is_certain: bool
) -> Iterator[tuple[ast.stmt, bool]]:
    """Yield statements in their order, and whether every call runs them; those of a loop come twice."""
    for each in body:
        yield each, is_certain
        if isinstance(each, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            continue
        is_with = isinstance(each, (ast.With, ast.AsyncWith))
        is_loop = isinstance(each, (ast.For, ast.AsyncFor, ast.While))
        blocks = [getattr(each, field, []) for field in ("body", "orelse", "finalbody")]
        blocks += [inner.body for inner in (*getattr(each, "handlers", ()), *getattr(each, "cases", ()))]
        for block in (*blocks, *blocks[: int(is_loop)]):
            yield from _statements(block, is_certain=is_certain and is_with)


def _named_in(node: ast.AST) -> frozenset[str]:
    return frozenset(each.id for each in ast.walk(node) if isinstance(each, ast.Name))


class _Flow:
    """Where the arguments go."""

    def __init__(self, parameters: frozenset[str]) -> None:
        self._parameters = parameters
        self._held: dict[str, list[Origins]] = {name: [{name: 0}] for name in parameters}
        self._tails: dict[str, int] = {}
        self._ranked: dict[str, set[str]] = defaultdict(set)
        self._floats: dict[str, set[str]] = defaultdict(set)
        self._numbers: set[str] = set()
        self._pairs: set[tuple[tuple[str, int], tuple[str, int]]] = set()
        self._loose: set[frozenset[str]] = set()
        self._tied: set[frozenset[str]] = set()
        self._given: dict[str, list[Origins]] = defaultdict(list)
        self._is_certain = True

    # --- statements

    def run(self, statement: ast.stmt, *, is_certain: bool) -> None:
        """Follow the arguments through a statement, without the blocks in it."""
        self._is_certain = is_certain
        match statement:
            case ast.Assign(targets=targets, value=value):
                for target in targets:
                    self._assign(target, value)
            case ast.AnnAssign(target=target, value=ast.expr() as value):
                self._assign(target, value)
            case ast.AugAssign(target=target, value=value):
                self._hold(target, self._together([target, value]))
            case ast.Return(value=ast.Tuple(elts=parts)):
                for number, part in enumerate(parts):
                    self._give(f"return[{number}]", part)
            case ast.Return(value=ast.expr() as value):
                self._give("return", value)
            case ast.Assert(test=test) | ast.If(test=test) | ast.While(test=test):
                self._tie(test)
                self.value(test)
            case ast.Expr(value=value):
                self.value(value)
            case ast.Raise() | ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
                pass
            case _:
                for each in ast.iter_child_nodes(statement):
                    if isinstance(each, ast.expr):
                        self.lose(self.value(each))

    def _assign(self, target: ast.expr, value: ast.expr) -> None:
        match target, value:
            case ast.Tuple(elts=names), ast.Tuple(elts=values) if len(names) == len(values):
                for name, each in zip(names, values, strict=True):
                    self._assign(name, each)
            case (ast.Tuple(elts=names) | ast.List(elts=names)), ast.expr():
                held = self.value(value)
                for name in names:
                    self._hold(name, held)
            case _:
                self._hold(target, self.value(value))

    def _hold(self, target: ast.expr, held: Origins) -> None:
        if isinstance(target, ast.Name):
            before = [] if self._is_certain else self._held.get(target.id, [])
            self._held[target.id] = [*before, held]
        elif isinstance(target, ast.Subscript):
            self.value(target)
        elif isinstance(target, ast.Attribute):
            self.lose(held, floats=False)  # what others do with it is not known

    def _give(self, place: str, value: ast.expr) -> None:
        self._given[place].append(self.value(value))

    def _tie(self, test: ast.expr) -> None:
        """Note the arguments whose sizes are compared."""
        for each in ast.walk(test):
            if isinstance(each, ast.Compare):
                sides = [_sized_in(part) for part in (each.left, *each.comparators)]
                self._tied |= {frozenset(pair) for pair in itertools.pairwise(sides) if all(pair)}

    # --- values

    def lose(self, origins: Origins, callee: str = _BY_ITSELF, *, floats: bool = True) -> Origins:
        """Note that a function may need a number of axes, or floats; return what is made of it."""
        for name, more in origins.items():
            if more is not None:
                self._ranked[name].add(callee)
            if floats:
                self._floats[name].add(callee)
        return dict.fromkeys(origins)

    def value(self, node: ast.expr) -> Origins:
        """Follow the arguments through an expression; return those that lead the value's axes."""
        match node:
            case ast.Name(id=name):
                return _either(self._held.get(name, []))
            case ast.BinOp(op=ast.MatMult(), left=left, right=right):
                found = {**self.value(left), **self.value(right)}
                self._numbers |= found.keys()
                return self.lose(found)
            case ast.BinOp(left=left, op=op, right=right):
                found = self._together([left, right])
                self._numbers |= found.keys() if isinstance(op, _OF_NUMBERS) else set()
                return found
            case ast.UnaryOp(operand=operand):
                return self.value(operand)
            case ast.Compare(left=left, comparators=others):
                return self._together([left, *others])
            case ast.BoolOp(values=values):
                return _either([self.value(each) for each in values])
            case ast.IfExp(test=test, body=body, orelse=orelse):
                self.value(test)
                return _either([self.value(body), self.value(orelse)])
            case ast.Attribute(value=value, attr=attr):
                return self._attribute(value, attr)
            case ast.Subscript(value=ast.Attribute(value=value, attr="shape"), slice=index):
                self._speak(self.value(value), _reach(index))
                return {}
            case ast.Subscript(value=value, slice=index):
                return self._item(self.value(value), index)
            case ast.Call():
                return self._call(node)
            case _:
                for each in ast.iter_child_nodes(node):
                    if isinstance(each, ast.expr):
                        self.lose(self.value(each))
                    elif isinstance(each, ast.comprehension):
                        self.lose(self.value(each.iter))
                return {}

    def _together(self, parts: Iterable[ast.expr]) -> Origins:
        """Combine values by broadcasting."""
        return self._combined([self.value(each) for each in parts])

    def _combined(self, several: Iterable[Origins], *, is_tied: bool = False) -> Origins:
        for one, other in itertools.combinations(several, 2):
            for (a, more), (b, most) in itertools.product(one.items(), other.items()):
                if more is not None and most is not None and a != b:
                    self._pairs.add(((a, more), (b, most)))
                    (self._tied if is_tied else self._loose).add(frozenset((a, b)))
        return {name: more for each in several for name, more in each.items()}

    def _speak(self, origins: Origins, count: int | None, more: int = 0) -> Origins:
        """Note that code speaks of the last axes of a value; None for other axes, too."""
        if count is None:
            return self.lose(origins, floats=False)
        known = {name: has for name, has in origins.items() if has is not None}
        for name, has in known.items():
            self._tails[name] = max(self._tails.get(name, 0), count - has)
        return {**origins, **{name: has + more for name, has in known.items()}}

    def _attribute(self, value: ast.expr, attr: str) -> Origins:
        origins = self.value(value)
        if attr in {"mT", "mH"}:
            return self._speak(origins, 2)
        if attr in {"real", "imag"}:
            return origins
        return {} if attr in _ABOUT_AXES else self.lose(origins)

    def _item(self, origins: Origins, index: ast.expr) -> Origins:
        parts = index.elts if isinstance(index, ast.Tuple) else [index]
        for part in parts:
            if not isinstance(part, (ast.Slice, ast.Constant)):
                self.lose(self.value(part))
        ends = [i for i, part in enumerate(parts) if isinstance(part, ast.Constant) and part.value is ...]
        if len(ends) != 1:
            is_new = all(isinstance(part, ast.Constant) and part.value is None for part in parts)
            return origins if is_new else self._speak(origins, None)
        before, after = parts[: ends[0]], parts[ends[0] + 1 :]
        new = sum(isinstance(part, ast.Constant) and part.value is None for part in after)
        is_led = any(not (isinstance(part, ast.Constant) and part.value is None) for part in before)
        gone = sum(not isinstance(part, ast.Slice) for part in after) - new
        return self._speak(origins, None if is_led else len(after) - new, new - gone)

    def _call(self, node: ast.Call) -> Origins:
        function = node.func
        name = function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")
        name = name if name.endswith("__") else name.removesuffix("_")
        origins = self.value(function.value) if isinstance(function, ast.Attribute) else {}
        receiver = [function.value] if isinstance(function, ast.Attribute) and origins else []
        parts = [*receiver, *node.args]
        others = [word.value for word in node.keywords]
        if name in NEEDS_FLOATS or _is_of(function, "linalg", "functional", "F"):
            for part in parts:
                for each in self.value(part):
                    self._floats[each].add(_BY_ITSELF)
                    self._numbers.add(each)
        if name in WITHOUT_AXES:
            return {}
        if name in CREATING and parts:
            return self.value(parts[0])
        if name in KEEPING:
            return self._together([*parts, *others])
        if name in ELEMENTWISE or (name in {"max", "min"} and _is_elementwise(parts, others)):
            return self._together([*parts, *others])
        if name in REDUCING and parts:
            return self._reduced(parts, node.keywords)
        if name in OF_MATRICES and parts:
            return self._speak(self._together(parts), 2, OF_MATRICES[name])
        if name in JOINING and parts:
            return self._joined(name, parts, node.keywords)
        if name == "einsum" and (found := self._einsum(node)) is not None:
            return found
        made: dict[str, int | None] = {}
        for part in (*receiver, *node.args, *others):
            is_other = isinstance(part, ast.Name) and name not in RESHAPING
            callee = name if is_other else _BY_ITSELF
            made |= self.lose(self.value(part), callee, floats=name not in RESHAPING)
        return made

    def _reduced(self, parts: list[ast.expr], keywords: list[ast.keyword]) -> Origins:
        words = {word.arg: word.value for word in keywords}
        origins = self.value(parts[0])
        axis = words.get("axis", words.get("dim", parts[1] if len(parts) > 1 else None))
        if axis is None:
            return {}  # of all axes
        several = axis.elts if isinstance(axis, (ast.Tuple, ast.List)) else [axis]
        numbers = [number_in(each) for each in several]
        kept = words.get("keepdims", words.get("keepdim"))
        is_kept = isinstance(kept, ast.Constant) and kept.value is True
        negative = [number for number in numbers if number is not None and number < 0]
        count = -min(negative) if negative and len(negative) == len(numbers) else None
        return self._speak(origins, count, 0 if is_kept else -len(numbers))

    def _joined(self, name: str, parts: list[ast.expr], keywords: list[ast.keyword]) -> Origins:
        words = {word.arg: word.value for word in keywords}
        axis = number_in(words.get("axis", words.get("dim", parts[1] if len(parts) > 1 else None)))
        items = parts[0].elts if isinstance(parts[0], (ast.Tuple, ast.List)) else [parts[0]]
        found = self._combined([self.value(each) for each in items], is_tied=True)
        is_at_end = axis is not None and axis < 0
        if name == "stack":
            return self._speak(found, -axis - 1 if is_at_end and axis else None, 1)
        return self._speak(found, -axis if is_at_end and axis else None)

    def _einsum(self, node: ast.Call) -> Origins | None:
        """Follow the arguments through an einsum with ``...`` in front; None for another one."""
        read = einsum_of(node)
        if read is None:
            return None
        words, result, values = read
        if any(each[:1] != ["..."] or "..." in each[1:] for each in (*words, result)):
            return None
        several = []
        for axes, value in zip(words, values, strict=True):
            origins = self.value(value)
            for name in origins:
                self._floats[name].add(_BY_ITSELF)
            several.append(self._speak(origins, len(axes) - 1, len(result) - len(axes)))
        return self._combined(several)

    # --- what is found

    def result(self) -> Spread:
        """Return what is known of the parameters."""
        return Spread(
            dict(self._tails),
            {x: frozenset(self._ranked[x]) for x in self._parameters & self._ranked.keys()},
            {x: frozenset(self._floats[x]) for x in self._parameters & self._floats.keys()},
            tuple(self._aligned()),
            frozenset(self._loose - self._tied),
            frozenset(),
            frozenset(self._numbers) & self._parameters,
        )

    def _aligned(self) -> Iterator[Mapping[str, int]]:
        """Yield arrays that broadcast together, each with the number of axes behind those that do."""
        beside: dict[str, set[tuple[str, int]]] = defaultdict(set)
        for (one, more), (other, most) in self._pairs:
            beside[one].add((other, more - most))
            beside[other].add((one, most - more))
        left = sorted(self._parameters)
        while left:
            ends, waiting, is_one = {left[0]: 0}, [left[0]], True
            while waiting:
                name = waiting.pop()
                for other, step in beside[name]:
                    if other not in ends:
                        ends[other] = ends[name] + step
                        waiting.append(other)
                    is_one = is_one and ends[other] == ends[name] + step
            left = [each for each in left if each not in ends]
            if is_one:
                ends |= self._results_of(ends)
                least = max(self._tails.get(name, 0) - end for name, end in ends.items())
                yield {name: end + least for name, end in sorted(ends.items())}

    def _results_of(self, ends: Mapping[str, int]) -> dict[str, int]:
        """Return the results that all of some parameters lead, in every ``return``."""
        found: dict[str, int] = {}
        for place, several in self._given.items():
            steps: set[int | None] = set()
            for each in several:
                known = {name: more for name, more in each.items() if more is not None}
                steps |= {ends[name] + more for name, more in known.items() if name in ends}
                is_clear = known.keys() == ends.keys() and _OTHER not in each
                steps |= set() if is_clear else {None}
            if len(steps) == 1 and (step := steps.pop()) is not None:
                found[place] = step
        return found


def _either(several: list[Origins]) -> Origins:
    """Return what a value is made of that is one of several."""
    found: dict[str, int | None] = {}
    for each in several:
        for name, more in each.items():
            found[name] = more if found.get(name, more) == more else None
    is_clear = all(each.keys() == found.keys() for each in several)
    return found if is_clear else {**found, _OTHER: None}


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


def _reach(index: ast.expr) -> int | None:
    """How many of the last axes an index of ``x.shape`` is about; None if it is about others."""
    parts = [index.lower, index.upper] if isinstance(index, ast.Slice) else [index]
    numbers = [number_in(part) for part in parts if part is not None]
    if not numbers or any(number is None or number >= 0 for number in numbers):
        return None
    return -min(number for number in numbers if number is not None)


def _is_elementwise(parts: list[ast.expr], others: list[ast.expr]) -> bool:
    """Whether ``max(a, b)`` has two arrays rather than an axis."""
    return len(parts) > 1 and not others and number_in(parts[1]) is None


def _is_of(function: ast.expr, *modules: str) -> bool:
    """Whether a function is called by way of one of some modules: ``torch.linalg.inv``."""
    value = function.value if isinstance(function, ast.Attribute) else None
    name = value.attr if isinstance(value, ast.Attribute) else getattr(value, "id", "")
    return name in modules
