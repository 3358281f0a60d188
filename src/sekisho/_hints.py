"""The call that mends a value, given only when making it is certain to make the value lawful."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sekisho._axes import Bindings, match_shape
from sekisho.worlds import NUMPY, World

if TYPE_CHECKING:
    from sekisho._specs import ArraySpec

__all__ = ["cast_hint", "shape_hint"]

_IMAGE_AXES = (3, 4)
"""The ranks at which a moved channel axis is meant: one image, or a batch of them."""


def shape_hint(  # noqa: PLR0911 - one rule, one return
    spec: ArraySpec, shape: tuple[int, ...], bound: Bindings
) -> str | None:
    """The helper that would give the array the declared shape; ``{}`` is the value's name."""
    axes = spec.axes or ()
    rank = len(shape)

    def fits(candidate: tuple[int, ...]) -> bool:
        return match_shape(axes, candidate, dict(bound)) is None

    if any(axis.variadic for axis in axes):
        return None
    if rank == len(axes) - 1 and fits((1, *shape)):
        return "the batch axis is missing: add_batch_dim({})"
    if rank == len(axes) + 1 and shape[0] == 1 and fits(shape[1:]):
        return "there is a batch axis of size 1 too many: remove_batch_dim({})"
    if rank == len(axes) == 2 and fits(shape[::-1]):  # noqa: PLR2004 - a matrix
        return "the two axes look transposed: transpose2d({})"
    if rank == len(axes) and rank in _IMAGE_AXES:
        first = (*shape[:-3], shape[-1], *shape[-3:-1])
        last = (*shape[:-3], *shape[-2:], shape[-3])
        if fits(first) and not fits(last):
            return "the channels look last: channels_first({})"
        if fits(last) and not fits(first):
            return "the channels look first: channels_last({})"
    return None


def cast_hint(spec: ArraySpec, world: World) -> str | None:
    """The cast to the one dtype that the annotation names."""
    name = spec.only_dtype
    if name is None:
        return None
    return f"{{}}.astype('{name}')" if world is NUMPY else f"{{}}.to(torch.{name})"
