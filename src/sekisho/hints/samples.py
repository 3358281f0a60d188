"""Take a sample of a large value, so that an error message costs the same for any size.

A sample has the value's class, world, dtype, device and number of axes. So a call that works on the
sample works on the value, except for values outside the sample, and for the sizes, which are stored
separately. Taking a sample copies no more than the sample itself.
"""

from __future__ import annotations

import array
import itertools
import math
from typing import TYPE_CHECKING, Any, Final, NamedTuple, cast

import numpy as np

from sekisho.worlds import class_of, find_world, package_of

if TYPE_CHECKING:
    from sekisho.hints.steps import Step
    from sekisho.worlds import Library

__all__ = ["MOST", "Sample", "are_few", "is_stored", "stored_alike", "take_sample"]

MOST: Final = 1 << 15
"""Maximum number of elements to look at, which takes some milliseconds whatever the check. Up to
this size torch uses no other threads, and starting those may take longer than the work."""

MOST_TRIED: Final = 1 << 10
"""Maximum number of lists or arrays to look at, or validate, one by one: about 10 us each."""

_DEEPEST: Final = 64  # levels: no array has more axes, and a list may contain itself

_ITEMS: Final = (list, tuple, range, bytes, bytearray, memoryview, array.array)


class Sample(NamedTuple):
    """The part of a value that a message looks at.

    Attributes:
        value: the part, or the value itself if it is small.
        sizes: sizes of the value's first axes, if the sample's differ.
        seen: text saying that only a part was looked at; empty for the whole value.
        is_mended: whether a step has already given it the required axes.
    """

    value: Any
    sizes: tuple[int, ...] = ()
    seen: str = ""
    is_mended: bool = False

    def shape(self, made: Any) -> tuple[int, ...]:
        """Return the shape of an array made of the whole value, from the one made of the sample."""
        found = tuple(made.shape)
        return (*self.sizes, *found[len(self.sizes) :])

    def after(self, step: Step) -> Sample:
        """Apply a step. Once the axes are fixed, the sizes no longer describe the value's axes."""
        is_mended = self.is_mended or bool(self.sizes and step.mends_axes)
        return self._replace(value=step.do(self.value), is_mended=is_mended)


def take_sample(value: Any) -> Sample | None:
    """Return a sample of a value, whole if small; None if that would read the whole value."""
    world, kind = find_world(value), class_of(value)
    if is_stored(value):
        return Sample(value, tuple(value.shape))
    if world is not None:
        return _sample_of_array(world, value)
    if issubclass(kind, _ITEMS):
        return _sample_of_items(value)
    if package_of(kind) == "PIL" and hasattr(kind, "crop"):
        return _sample_of_picture(value)
    return _sample_of_table(value)


def are_few(value: Any) -> bool:
    """Return whether nested lists, tuples and dicts hold at most `MOST_TRIED` items."""
    left, open_ = MOST_TRIED, list[Any]([value])
    try:
        while open_ and left >= 0:
            holder = open_.pop()
            items: Any = holder.values() if issubclass(class_of(holder), dict) else holder
            taken: list[Any] = list(itertools.islice(items, left + 1))
            left -= len(taken)
            open_ += [each for each in taken if issubclass(class_of(each), (list, tuple, dict))]
    except Exception:  # noqa: BLE001 - a user's class may raise any exception
        return False
    return left >= 0


_STORED: Final = frozenset({"h5py", "zarr"})


def is_stored(value: Any) -> bool:
    """Return whether a value is an array stored in a file, which messages must not read."""
    kind = class_of(value)
    is_one = package_of(kind) in _STORED and hasattr(kind, "__getitem__")
    return is_one and hasattr(value, "shape") and hasattr(value, "dtype")


def stored_alike(value: Any) -> Any:
    """Return zeros with the dtype of a stored array and the sizes that its sample would have."""
    steps = _steps(tuple(value.shape))
    sizes = [-(-size // step) for size, step in zip(value.shape, steps, strict=True)]
    return np.zeros(sizes, value.dtype)


def _sizes_of(value: Any) -> tuple[int, ...]:
    shape: Any = getattr(value, "shape", None)
    if type(shape) is tuple:
        return cast("tuple[int, ...]", shape)
    # An Arrow table, or not an array at all.
    return (len(value),) if hasattr(class_of(value), "__len__") else ()


def _sample(part: Any, sizes: tuple[int, ...]) -> Sample:
    return Sample(part, sizes, f"judged by a part of its {math.prod(sizes):,} values")


def _sample_of_array(world: Library, value: Any) -> Sample | None:
    try:
        is_large = world.size(value) > MOST
    except Exception:  # noqa: BLE001 - an uninitialised tensor; the conversion gives the reason
        is_large = False
    if not is_large:
        return Sample(value)
    sizes = tuple(value.shape)
    part = world.sampled(value, _steps(sizes))
    return None if part is None else _sample(part, sizes) if part is not value else Sample(value)


def _sample_of_picture(value: Any) -> Sample:
    width, height = value.size
    rows, columns = _steps((height, width))
    part = value.crop((0, 0, -(-width // columns), -(-height // rows)))
    return _sample(part, (height, width)) if rows * columns > 1 else Sample(value)


def _sample_of_table(value: Any) -> Sample | None:
    sizes = _sizes_of(value)
    if math.prod(sizes) <= MOST:
        return Sample(value)
    step = min(sizes[0], -(-math.prod(sizes) // MOST))  # tables are sampled along their rows
    try:
        return _sample(value[::step], sizes)
    except Exception:  # noqa: BLE001 - a third-party class may raise any exception
        return None


def _sample_of_items(value: Any) -> Sample:
    """Sample nested items, assuming that all are as regular as the first, as arrays must be."""
    sizes: list[int] = []
    first: Any = value
    while issubclass(class_of(first), _ITEMS) and len(first) and len(sizes) < _DEEPEST:
        sizes.append(len(first))
        first = first[0]
    world = find_world(first)
    inside = tuple(first.shape) if world is not None else ()
    # Each list and each array takes as long as many numbers do, so they have their own limit.
    outer = len(sizes) - (world is None)
    steps = _steps(tuple(sizes[:outer]), MOST_TRIED)
    kept = math.prod(-(-size // step) for size, step in zip(sizes, steps, strict=False))
    steps += _steps((*sizes[outer:], *inside), max(1, MOST // kept))
    if all(step == 1 for step in steps):
        return Sample(value)

    def part(items: Any, steps: tuple[int, ...], depth: int) -> Any:
        if not depth:
            of = find_world(items)
            sampled = of and len(items.shape) == len(steps) and of.sampled(items, steps)
            return items if sampled is None or of is None else sampled
        found = items[:: steps[0]]
        kind = class_of(found)
        if not (kind is list or kind is tuple) or not (inside or depth > 1):
            return found
        return type(found)(part(each, steps[1:], depth - 1) for each in found)

    return _sample(part(value, steps, len(sizes)), (*sizes, *inside))


def _steps(sizes: tuple[int, ...], most: int = MOST) -> tuple[int, ...]:
    """Return a step for each axis that leaves at most `most` items, and two on axes with two."""
    left = math.prod(sizes)
    steps: list[int] = []
    for size in sizes:
        step = max(1, min(size // 2, -(-left // most)))
        left = -(-left // step)
        steps.append(step)
    return tuple(steps)
