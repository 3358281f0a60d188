"""Find operations that expand both operands because their ranks differ.

``pred - y`` of shapes ``(n, 1)`` and ``(n,)`` is ``(n, n)``: the missing axis of `y` is put in front,
so that neither operand keeps its shape. Broadcasting that expands one operand is ordinary, and so is
an outer operation that says so: ``x[:, None] - y`` names the axis, ``x[:, None] - y[None]`` has equal
ranks. Operands of other sizes, as ``(n, d) / (batch, 1, d)``, cannot be meant element by element, and
are counted separately: in the suites of foreign packages all such operations were meant.
"""

from __future__ import annotations

import ast
import inspect
import itertools
from types import ModuleType
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from sekisho.utils import expression_at
from sekisho.worlds.registry import find_world

if TYPE_CHECKING:
    from collections.abc import Iterable
    from types import FrameType

    from sekisho.worlds.library import Library

__all__ = ["Expansion", "find_expansion", "frame_of_operation"]


class _Operand(NamedTuple):
    """An operand, its shape and its position in the call."""

    shape: tuple[int, ...]
    at: int
    array: Any


class Expansion(NamedTuple):
    """Two operands of different ranks that are both expanded, and their common shape.

    Attributes:
        higher: the operand of more axes.
        lower: the other one.
        shape: the shape that both are expanded to.
        is_alike: whether both have the same sizes, if axes of size 1 do not count. If not, all
            pairs are meant.
    """

    higher: _Operand
    lower: _Operand
    shape: tuple[int, ...]
    is_alike: bool

    @property
    def operands(self) -> tuple[Any, Any]:
        """Both arrays, in the order of the call."""
        both = (self.higher, self.lower)
        one, other = both if self.higher.at < self.lower.at else both[::-1]
        return one.array, other.array

    def hint(self, frame: FrameType) -> str | None:
        """Return how to write what is meant; None if the expression says that all pairs are.

        Args:
            frame: the frame that runs the operation.
        """
        written = _written(expression_at(frame), frame)
        return None if any(map(_inserts_an_axis, written)) else _hint(self, written)


def find_expansion(world: Library, operands: Iterable[object]) -> Expansion | None:
    """Return the first two operands that an operation expands both; None if it does not."""
    arrays = [
        _Operand(_shape_of(each), at, each)
        for at, each in enumerate(operands)
        if find_world(each) is world
    ]
    for pair in itertools.combinations(arrays, 2):
        lower, higher = sorted(pair, key=lambda each: len(each.shape))
        missing = len(higher.shape) - len(lower.shape)
        if missing:
            # An operand that is only padded in front, as (n,) to (1, n), is not expanded.
            padded = (1,) * missing + lower.shape
            shape = _together(higher.shape, padded)
            if shape is not None and shape not in {higher.shape, padded}:
                is_alike = _long(higher.shape) == _long(lower.shape)
                return Expansion(higher, lower, shape, is_alike)
    return None


def frame_of_operation(world: Library) -> FrameType | None:
    """Return the frame that runs an operation of a library, outside of sekisho.

    None if the library itself runs it, in code of its own such as a distribution's: its author
    knows what is expanded there. Modules that only pass an operation on do not count.
    """
    frame = inspect.currentframe()
    while frame is not None:
        module = str(frame.f_globals.get("__name__", ""))
        if not module.startswith(("sekisho.", *world.passes_on)):
            return None if module.partition(".")[0] == world.name else frame
        frame = frame.f_back
    return None


def _shape_of(array: Any) -> tuple[int, ...]:
    """Return an array's shape; that of a number if it has none, as a nested tensor.

    The sizes that a compiler traces are no numbers yet, and to compare them would fix them.
    """
    try:
        shape = tuple(array.shape)
    except Exception:  # noqa: BLE001 - whatever a library raises for an array without a shape
        return ()
    return shape if all(type(each) is int for each in shape) else ()


def _long(shape: tuple[int, ...]) -> tuple[int, ...]:
    return tuple(size for size in shape if size != 1)


def _together(one: tuple[int, ...], other: tuple[int, ...]) -> tuple[int, ...] | None:
    """Return the shape of two operands of one rank that are broadcast; None if they do not fit."""
    pairs = list(zip(one, other, strict=True))
    if any(1 not in pair and pair[0] != pair[1] for pair in pairs):
        return None
    return tuple(b if a == 1 else a for a, b in pairs)


_INSERTING: Final = frozenset({"unsqueeze", "expand_dims"})


def _inserts_an_axis(operand: ast.expr) -> bool:
    """Whether an operand names the axis that makes the operation an outer one: ``x[:, None]``."""
    if isinstance(operand, ast.BinOp):
        return _inserts_an_axis(operand.left) or _inserts_an_axis(operand.right)
    if isinstance(operand, ast.UnaryOp):
        return _inserts_an_axis(operand.operand)
    if isinstance(operand, ast.Call):
        called = operand.func
        name = called.attr if isinstance(called, ast.Attribute) else getattr(called, "id", None)
        return name in _INSERTING
    if not isinstance(operand, ast.Subscript):
        return False
    parts = operand.slice.elts if isinstance(operand.slice, ast.Tuple) else [operand.slice]
    return any(
        (isinstance(each, ast.Constant) and each.value is None)
        or getattr(each, "attr", getattr(each, "id", None)) == "newaxis"
        for each in parts
    )


def _hint(found: Expansion, written: list[ast.expr]) -> str:
    """Return the call that gives both operands one rank, where their sizes say which it is."""
    meant = "if all pairs are meant, say so with an axis: [:, None]"
    sizes, at = found.higher.shape, found.higher.at
    without = {axis: sizes[:axis] + sizes[axis + 1 :] for axis, n in enumerate(sizes) if n == 1}
    fits = [axis for axis, rest in without.items() if rest == found.lower.shape]
    if not fits:
        return meant
    name = f"<argument {at + 1}>"
    if at < len(written) and isinstance(written[at], _TAKING_A_METHOD):
        name = ast.unparse(written[at])
    return f"{name}.squeeze({fits[-1] - len(sizes)}), or {meant}"


_TAKING_A_METHOD: Final = (ast.Name, ast.Attribute, ast.Subscript, ast.Call)
"""Expressions that take ``.squeeze(-1)`` behind them as they stand."""


def _written(expression: ast.expr | None, frame: FrameType) -> list[ast.expr]:
    """Return the operands of an operation as their author wrote them."""
    if isinstance(expression, ast.BinOp):
        return [expression.left, expression.right]
    if isinstance(expression, ast.Compare):
        return [expression.left, *expression.comparators]
    if not isinstance(expression, ast.Call):
        return []
    function, root = expression.func, expression.func
    while isinstance(root, ast.Attribute):
        root = root.value
    is_of_module = isinstance(frame.f_globals.get(getattr(root, "id", "")), ModuleType)
    if isinstance(function, ast.Attribute) and not is_of_module:  # a method
        return [function.value, *expression.args]
    return expression.args
