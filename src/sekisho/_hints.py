"""The call that mends a value, given only when making it is certain to make the value lawful.

Beside a helper's name stands what it is in the library at hand, for who reads ``x[None]`` more often
than ``add_batch_dim(x)``. In every hint ``{0}`` is the value's name.
"""

from __future__ import annotations

from itertools import combinations
from types import AsyncGeneratorType, CoroutineType
from typing import TYPE_CHECKING, Final

from sekisho._axes import Axis, Bindings, match_shape
from sekisho.worlds import NUMPY, World, class_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from sekisho._specs import ArraySpec

__all__ = ["cast_hint", "shape_hint", "value_hint"]

_IMAGE_AXES = (3, 4)
"""The ranks at which a moved channel axis is meant: one image, or a batch of them."""

_HELPERS: Final = {
    "add_batch_dim": ("the batch axis is missing", "{0}[None]", "{0}.unsqueeze(0)"),
    "remove_batch_dim": ("there is a batch axis of size 1 too many", "{0}[0]", "{0}.squeeze(0)"),
    "transpose2d": ("the two axes look transposed", "{0}.T", "{0}.permute(1, 0)"),
    "channels_first": (
        *("the channels look last", "numpy.moveaxis({0}, -1, -3)", "{0}.movedim(-1, -3)"),
    ),
    "channels_last": (
        *("the channels look first", "numpy.moveaxis({0}, -3, -1)", "{0}.movedim(-3, -1)"),
    ),
}
"""What each helper mends, and what it is in NumPy and in PyTorch."""


def shape_hint(
    spec: ArraySpec, shape: tuple[int, ...], bound: Bindings, world: World
) -> str | None:
    """The helper that would give an array of `world` the declared shape."""
    axes = spec.axes
    if axes is None or any(axis.variadic for axis in axes):
        return None

    def fits(candidate: tuple[int, ...]) -> bool:
        return match_shape(axes, candidate, dict(bound)) is None

    helper, rank = None, len(axes)
    if len(shape) == rank - 1 and fits((1, *shape)):
        helper = "add_batch_dim"
    elif len(shape) == rank + 1 and shape[0] == 1 and fits(shape[1:]):
        helper = "remove_batch_dim"
    elif len(shape) == rank == 2 and fits(shape[::-1]):  # noqa: PLR2004 - a matrix
        helper = "transpose2d"
    elif len(shape) == rank and rank in _IMAGE_AXES:
        first = _is_channel(axes[-3]) and fits((*shape[:-3], shape[-1], *shape[-3:-1]))
        last = _is_channel(axes[-1]) and fits((*shape[:-3], *shape[-2:], shape[-3]))
        if first is not last:
            helper = "channels_first" if first else "channels_last"
    if helper is None:
        return _swap_hint(shape, fits, world) if len(shape) == rank else None
    what, *spellings = _HELPERS[helper]
    return f"{what}: {helper}({{0}}), which is {spellings[world is not NUMPY]}"


def _is_channel(axis: Axis) -> bool:
    return axis.size in {1, 3, 4} or (axis.name or "").rstrip("s") in {"c", "ch", "channel"}


def _swap_hint(
    shape: tuple[int, ...], fits: Callable[[tuple[int, ...]], bool], world: World
) -> str | None:
    """Two axes to be swapped, if these are the only two that would do."""
    fitting: list[list[int]] = []
    for i, j in combinations(range(len(shape)), 2):
        order = list(range(len(shape)))
        order[i], order[j] = j, i
        if fits(tuple([shape[each] for each in order])):
            fitting.append(order)
    if len(fitting) != 1:
        return None
    order_text = ", ".join([str(each) for each in fitting[0]])
    method = "transpose" if world is NUMPY else "permute"
    call = f"permute_dims({{0}}, ({order_text}))"
    return f"two axes look swapped: {call}, which is {{0}}.{method}({order_text})"


def cast_hint(spec: ArraySpec, world: World) -> str | None:
    """The cast to the one dtype that the annotation names."""
    name = spec.only_dtype
    if name is None:
        return None
    return f"{{0}}.astype('{name}')" if world is NUMPY else f"{{0}}.to(torch.{name})"


def value_hint(value: object, *, is_result: bool) -> str | None:
    """What was forgotten, where a value is nothing that anybody means to pass."""
    if value is None and is_result:
        return "the function returned nothing: is a 'return' missing?"
    kind = class_of(value)
    if issubclass(kind, CoroutineType):
        return "it was not awaited: await {0}"
    return "[each async for each in {0}]" if issubclass(kind, AsyncGeneratorType) else None
