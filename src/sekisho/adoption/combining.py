"""Follow arguments through the expressions of a body: which lead a value's axes, and what is asked of them."""

from __future__ import annotations

import ast
import itertools
from collections import defaultdict
from typing import TYPE_CHECKING, Final, NamedTuple

from sekisho.adoption.aligning import either
from sekisho.adoption.names import last_name
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
from sekisho.adoption.recasting import Casts
from sekisho.adoption.shapes import einsum_of, number_in

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Sequence

    from sekisho.adoption.aligning import Origins, Pair

    Need = tuple[str, frozenset[str]]
    """The function that may need floats, and those that the value which it needs them of came through."""

__all__ = ["BY_ITSELF", "Values", "reshapes"]

BY_ITSELF: Final = ""
"""The place of a callee's name where no function but the body itself needs something."""

_OF_NUMBERS: Final = (ast.Sub, ast.Mult, ast.Div, ast.Pow)
_ABOUT_AXES: Final = frozenset(
    {"shape", "size", "dtype", "device", "ndim", "requires_grad", "layout"}
)


class _Called(NamedTuple):
    """A call: the name of the function, the object and the arguments, and the keywords."""

    name: str
    parts: list[ast.expr]
    keywords: dict[str | None, ast.expr]

    @property
    def axis(self) -> ast.expr | None:
        """What says which axis it works on."""
        behind = self.parts[1] if len(self.parts) > 1 else None
        return self.keywords.get("axis", self.keywords.get("dim", behind))


class Values(ast.NodeVisitor):
    """Where the arguments of a function are, and what its operations say of them.

    Attributes:
        held: what each name may hold.
        tails: by parameter, how many of its last axes the code speaks of.
        ranked: by parameter, the functions that may need a number of axes.
        floats: by parameter, what may need floats.
        casts: the dtypes of values.
        numbers: the parameters that are calculated with.
        pairs: the parameters that are combined.
        loose: those that are combined by broadcasting.
        tied: those that have to have equal sizes.
    """

    def __init__(self, parameters: frozenset[str]) -> None:
        self.held: dict[str, list[Origins]] = {name: [{name: 0}] for name in parameters}
        self.tails: dict[str, int] = {}
        self.ranked: dict[str, set[str]] = defaultdict(set)
        self.floats: dict[str, set[Need]] = defaultdict(set)
        self.casts: Casts = Casts(self.value)
        self.numbers: set[str] = set()
        self.pairs: set[Pair] = set()
        self.loose: set[frozenset[str]] = set()
        self.tied: set[frozenset[str]] = set()
        self._read: dict[int, Origins] = {}

    def value(self, node: ast.expr) -> Origins:
        """Follow the arguments through an expression; return those that lead the value's axes."""
        if id(node) not in self._read:  # a chain of methods asks for its parts at each step
            self._read[id(node)] = self.visit(node)
        return self._read[id(node)]

    def forget(self) -> None:
        """Read expressions anew, since names may hold something else."""
        self._read.clear()
        self.casts.forget()

    def lose(self, origins: Origins, callee: str = BY_ITSELF) -> Origins:
        """Note that a function may need a number of axes; return what is made of it."""
        for name, more in origins.items():
            if more is not None:
                self.ranked[name].add(callee)
        return dict.fromkeys(origins)

    def use(self, node: ast.expr, callee: str = BY_ITSELF) -> Origins:
        """Note that a function may need a number of axes, and floats; return what is made of it."""
        made = self.lose(self.value(node), callee)
        self.need_floats(node, callee)
        return made

    def need_floats(self, node: ast.expr, callee: str = BY_ITSELF) -> None:
        """Note that a function may need floats, of those arguments whose dtype a value has."""
        origins, cast = self.value(node), self.casts.of(node)
        for name in origins.keys() - cast.lost:
            self.floats[name].add((callee, cast.through))

    def together(self, parts: Iterable[ast.expr]) -> Origins:
        """Combine values by broadcasting."""
        return self.combined([self.value(each) for each in parts])

    def combined(self, several: Sequence[Origins], *, is_tied: bool = False) -> Origins:
        """Combine values whose axes in front are one, or broadcast."""
        for one, other in itertools.combinations(several, 2):
            for (a, more), (b, most) in itertools.product(one.items(), other.items()):
                if more is not None and most is not None and a != b:
                    self.pairs.add(((a, more), (b, most)))
                    (self.tied if is_tied else self.loose).add(frozenset((a, b)))
        return {name: more for each in several for name, more in each.items()}

    def speak(self, origins: Origins, count: int | None, more: int = 0) -> Origins:
        """Note that code speaks of the last axes of a value; None for other axes, too."""
        if count is None:
            return self.lose(origins)
        known = {name: has for name, has in origins.items() if has is not None}
        for name, has in known.items():
            self.tails[name] = max(self.tails.get(name, 0), count - has)
        return {**origins, **{name: has + more for name, has in known.items()}}

    def generic_visit(self, node: ast.AST) -> Origins:
        """Follow the arguments into an expression that may need anything of them."""
        for each in ast.iter_child_nodes(node):
            inner = each.iter if isinstance(each, ast.comprehension) else each
            if isinstance(inner, ast.expr):
                self.use(inner)
        return {}

    def visit_Name(self, node: ast.Name) -> Origins:
        """Return what a name may hold."""
        return either(self.held.get(node.id, []))

    def visit_BinOp(self, node: ast.BinOp) -> Origins:
        """Combine two values; the axes of a matrix product are others."""
        parts = [node.left, node.right]
        if isinstance(node.op, ast.MatMult):
            found: Origins = {x: n for part in parts for x, n in self.use(part).items()}
        else:
            found = self.together(parts)
        if isinstance(node.op, (*_OF_NUMBERS, ast.MatMult)):
            self.numbers |= found.keys()
        return found

    def visit_UnaryOp(self, node: ast.UnaryOp) -> Origins:
        """Return what the operand is made of."""
        return self.value(node.operand)

    def visit_Compare(self, node: ast.Compare) -> Origins:
        """Combine what is compared."""
        return self.together([node.left, *node.comparators])

    def visit_BoolOp(self, node: ast.BoolOp) -> Origins:
        """Return one of the operands."""
        return either([self.value(each) for each in node.values])

    def visit_IfExp(self, node: ast.IfExp) -> Origins:
        """Return one of the branches."""
        self.value(node.test)
        return either([self.value(node.body), self.value(node.orelse)])

    def visit_Subscript(self, node: ast.Subscript) -> Origins:
        """Take a part of a value, or of its shape."""
        match node.value:
            case (
                ast.Attribute(value=value, attr="shape")
                | ast.Call(func=ast.Attribute(value=value, attr="size"), args=[], keywords=[])
            ):
                self.speak(self.value(value), _reach(node.slice))
                return {}
            case value:
                return self._item(self.value(value), node.slice)

    def visit_List(self, node: ast.List) -> Origins:
        """Return what the items are made of; what is done with the list may need floats, not the list."""
        return self._made_of(node.elts)

    def visit_Tuple(self, node: ast.Tuple) -> Origins:
        """Return what the items are made of, as of a list."""
        return self._made_of(node.elts)

    def _made_of(self, items: list[ast.expr]) -> Origins:
        return {name: None for part in items for name in self.lose(self.value(part))}

    def visit_Starred(self, node: ast.Starred) -> Origins:
        """Return what the items are made of."""
        return self.lose(self.value(node.value))

    def visit_Attribute(self, node: ast.Attribute) -> Origins:
        """Follow the arguments through an attribute."""
        origins = self.value(node.value)
        if node.attr in {"mT", "mH"}:
            return self.speak(origins, 2)
        if node.attr in {"real", "imag"}:
            return origins
        return {} if node.attr in _ABOUT_AXES else self.use(node.value)

    def visit_Call(self, node: ast.Call) -> Origins:
        """Follow the arguments through a call, by the name of the function."""
        function = node.func
        name = last_name(function)
        written, name = name, name if name.endswith("__") else name.removesuffix("_")
        is_method = isinstance(function, ast.Attribute) and bool(self.value(function.value))
        receiver = [function.value] if isinstance(function, ast.Attribute) and is_method else []
        keywords = {word.arg: word.value for word in node.keywords}
        called = _Called(name, [*receiver, *node.args], keywords)
        if name in NEEDS_FLOATS or _is_of(function, "linalg", "functional", "F"):
            for part in called.parts:
                self.need_floats(part)
                self.numbers |= self.value(part).keys()
        self._write_floats(called, is_in_place=is_method and written != name)
        if name == "einsum" and (read := einsum_of(node)) is not None:
            return self._einsum(*read)
        handlers: tuple[tuple[Collection[str], Callable[[_Called], Origins]], ...] = (
            (WITHOUT_AXES, lambda _: {}),
            (CREATING, lambda called: self.value(called.parts[0])),
            (KEEPING | ELEMENTWISE, self._elementwise),
            (REDUCING, self._reduced),
            (OF_MATRICES.keys(), self._of_matrices),
            (JOINING, self._joined),
        )
        handler = next((each for names, each in handlers if name in names), self._unknown)
        return handler(called) if called.parts else self._unknown(called)

    def _item(self, origins: Origins, index: ast.expr) -> Origins:
        parts = index.elts if isinstance(index, ast.Tuple) else [index]
        for part in parts:
            if not isinstance(part, (ast.Slice, ast.Constant)):
                self.use(part)
        ends = [
            i
            for i, part in enumerate(parts)
            if isinstance(part, ast.Constant) and part.value is ...
        ]
        if len(ends) != 1:
            is_new = all(isinstance(part, ast.Constant) and part.value is None for part in parts)
            return origins if is_new else self.speak(origins, None)
        before, after = parts[: ends[0]], parts[ends[0] + 1 :]
        new = sum(isinstance(part, ast.Constant) and part.value is None for part in after)
        is_led = any(not (isinstance(part, ast.Constant) and part.value is None) for part in before)
        gone = sum(not isinstance(part, ast.Slice) for part in after) - new
        return self.speak(origins, None if is_led else len(after) - new, new - gone)

    # --- calls

    def _elementwise(self, called: _Called) -> Origins:
        return self.together([*called.parts, *called.keywords.values()])

    def _unknown(self, called: _Called) -> Origins:
        made: dict[str, int | None] = {}
        reshapes = called.name in RESHAPING
        is_size = called.name in {"size", "len"}  # which are asked for, whatever the dtype is
        for part in (*called.parts, *called.keywords.values()):
            made |= self.value(part)
            is_other = isinstance(part, ast.Name) and not reshapes
            self.lose(self.value(part), called.name if is_other else BY_ITSELF)
            if reshapes or is_size:
                continue
            for each in part.elts if isinstance(part, (ast.List, ast.Tuple)) else [part]:
                self.need_floats(each, called.name if isinstance(each, ast.Name) else BY_ITSELF)
        return {} if is_size else dict.fromkeys(made)

    def _write_floats(self, called: _Called, *, is_in_place: bool) -> None:
        """Note that ``x.div_(2)`` fails if ``x`` holds integers."""
        if is_in_place and self.casts.makes_floats(called.name, called.parts[1:]):
            self.need_floats(called.parts[0])

    def _of_matrices(self, called: _Called) -> Origins:
        return self.speak(self.together(called.parts), 2, OF_MATRICES[called.name])

    def _reduced(self, called: _Called) -> Origins:
        axis, is_two = called.axis, len(called.parts) > 1
        if called.name in {"max", "min"} and is_two and number_in(called.parts[1]) is None:
            return self._elementwise(called)
        origins = self.value(called.parts[0])
        if axis is None:
            return {}  # of all axes
        several = axis.elts if isinstance(axis, (ast.Tuple, ast.List)) else [axis]
        numbers = [number for each in several if (number := number_in(each)) is not None]
        kept = called.keywords.get("keepdims", called.keywords.get("keepdim"))
        is_kept = isinstance(kept, ast.Constant) and kept.value is True
        is_behind = len(numbers) == len(several) > 0 and max(numbers) < 0
        count = -min(numbers) if is_behind else None
        return self.speak(origins, count, 0 if is_kept else -len(numbers))

    def _joined(self, called: _Called) -> Origins:
        axis, first = number_in(called.axis), called.parts[0]
        items = first.elts if isinstance(first, (ast.Tuple, ast.List)) else [first]
        found = self.combined([self.value(each) for each in items], is_tied=True)
        more = int(called.name == "stack")
        is_behind = axis is not None and axis < 0
        return self.speak(found, -axis - more if is_behind and axis is not None else None, more)

    def _einsum(
        self, words: Sequence[list[str]], result: list[str], values: Sequence[ast.expr]
    ) -> Origins:
        """Follow the arguments through an einsum, which may have ``...`` in front."""
        is_led = all(each[:1] == ["..."] and each.count("...") == 1 for each in (*words, result))
        several: list[Origins] = []
        for axes, value in zip(words, values, strict=True):
            origins = self.value(value)
            self.need_floats(value)
            count = len(axes) - 1 if is_led else None
            several.append(self.speak(origins, count, len(result) - len(axes)))
        return self.combined(several)


def reshapes(node: ast.expr) -> bool:
    """Whether an expression makes other axes."""
    return isinstance(node, ast.Call) and last_name(node.func) in RESHAPING


def _reach(index: ast.expr) -> int | None:
    """How many of the last axes an index of ``x.shape`` is about; None if it is about others."""
    parts = [index.lower, index.upper] if isinstance(index, ast.Slice) else [index]
    numbers = [number_in(part) for part in parts if part is not None]
    if not numbers or any(number is None or number >= 0 for number in numbers):
        return None
    return -min(number for number in numbers if number is not None)


def _is_of(function: ast.expr, *modules: str) -> bool:
    """Whether a function is called by way of one of some modules: ``torch.linalg.inv``."""
    value = function.value if isinstance(function, ast.Attribute) else None
    name = value.attr if isinstance(value, ast.Attribute) else getattr(value, "id", "")
    return name in modules
