"""Judge operations that expand both operands because their ranks differ.

``pred - y`` of shapes ``(n, 1)`` and ``(n,)`` is ``(n, n)``: the missing axis of `y` is put in front,
so that neither operand keeps its shape. Broadcasting that expands one operand is ordinary, and so is
an outer operation that says so: ``x[:, None] - y`` names the axis, ``x[:, None] - y[None]`` has equal
ranks.
"""

from __future__ import annotations

import ast
import inspect
import itertools
import operator
from types import ModuleType
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from sekisho.context import current
from sekisho.errors import BroadcastWarning, Violation, hide_in_pytest
from sekisho.monitor.judging import place_of_operation
from sekisho.monitor.state import BroadcastRefusalError, Watch, note_refusal
from sekisho.utils import expression_at
from sekisho.worlds import describe, find_world

if TYPE_CHECKING:
    from collections.abc import Iterable
    from types import FrameType

    from sekisho.worlds import World

__all__ = ["judge_broadcast"]

__tracebackhide__ = hide_in_pytest


def _is_of_library(world: World) -> bool:
    """Whether the library itself runs the operation, in code of its own such as a distribution's."""
    frame = inspect.currentframe()
    while frame is not None:
        module = str(frame.f_globals.get("__name__", ""))
        if not module.startswith(("sekisho.", *world.passes_on)):
            return module.partition(".")[0] == world.name
        frame = frame.f_back
    return False


class _Expansion(NamedTuple):
    """Two operands that are both expanded, with their positions in the call, and their shape."""

    higher: tuple[int, Any]
    lower: tuple[int, Any]
    shape: tuple[int, ...]


def judge_broadcast(
    watch: Watch, world: World, operation: Any, operands: tuple[object, ...]
) -> None:
    """Refuse an operation that expands both operands, or warn of it, depending on the mode.

    Args:
        watch: the monitor of the running body.
        world: the world of the operation's library.
        operation: the function, or its name in `World.watched`.
        operands: the arguments of the call.

    Raises:
        BroadcastRefusalError: with ``broadcasting="refuse"``.
    """
    level = current().broadcasting
    if level == "allow" or not world.broadcasts(operation):
        return
    found = _find_expansion(
        (at, each) for at, each in enumerate(operands) if find_world(each) is world
    )
    place = place_of_operation() if found else None
    if found is None or place is None or _is_of_library(world):
        return
    written = _written(expression_at(place.frame), place.frame)
    if any(map(_inserts_an_axis, written)):
        return
    both = " and ".join(describe(each) for _, each in sorted((found.higher, found.lower), key=_at))
    violation = Violation(
        watch.function,
        "body",
        "at most one operand to be expanded",
        f"{world.operation_name(operation)} of {both}, which gives {list(found.shape)}",
        place.text,
        hint=_hint(found, written),
    )
    if level == "warn":
        place.warn(BroadcastWarning, violation)
        return
    raise note_refusal(BroadcastRefusalError(violation))


_at: Final = operator.itemgetter(0)


def _find_expansion(arrays: Iterable[tuple[int, Any]]) -> _Expansion | None:
    shapes = [(_shape_of(each), at, each) for at, each in arrays]
    for pair in itertools.combinations(shapes, 2):
        lower, higher = sorted(pair, key=lambda each: len(each[0]))
        if len(lower[0]) == len(higher[0]):
            continue
        # An operand that is only padded in front, as (n,) to (1, n), is not expanded.
        padded = (1,) * (len(higher[0]) - len(lower[0])) + lower[0]
        shape = _together(higher[0], padded)
        if shape is not None and shape not in {higher[0], padded}:
            return _Expansion(higher[1:], lower[1:], shape)
    return None


def _shape_of(array: Any) -> tuple[int, ...]:
    """Return an array's shape; that of a number if it has none, as a nested tensor."""
    try:
        return tuple(array.shape)
    except Exception:  # noqa: BLE001 - whatever a library raises for an array without a shape
        return ()


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


def _hint(found: _Expansion, written: list[ast.expr]) -> str:
    """Return the call that gives both operands one rank, where their sizes say which it is."""
    meant = "if all pairs are meant, say so with an axis: [:, None]"
    (at, array), (_, lower) = found.higher, found.lower
    sizes = _shape_of(array)
    without = {axis: sizes[:axis] + sizes[axis + 1 :] for axis, n in enumerate(sizes) if n == 1}
    fits = [axis for axis, rest in without.items() if rest == _shape_of(lower)]
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
