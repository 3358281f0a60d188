"""The part of a large value that an error message looks at: a refusal costs the same for any size.

A sample is of the value's own class, world, dtype and device, and has as many axes: so what is tried on
it goes as it would go with the value, but for values that it does not hold, and for sizes, which are
kept beside it. A look at a sample copies no more than the sample.
"""

from __future__ import annotations

import array
import itertools
import math
from typing import TYPE_CHECKING, Any, Final, NamedTuple, cast

import numpy as np

from sekisho.worlds import class_of, find_world, package_of

if TYPE_CHECKING:
    from sekisho.remedy.steps import Step
    from sekisho.worlds import World

__all__ = ["MOST", "Sample", "are_few", "is_stored", "stored_alike", "take_sample"]

MOST: Final = 1 << 15
"""How many elements a message looks at: some milliseconds, whatever it asks of them. For no more than
these torch wakes no other threads, which may take longer than the work."""

MOST_TRIED: Final = 1 << 10
"""How many lists or arrays a message looks at one by one, or admits as a guard would: about 10 us each."""

_ITEMS: Final = (list, tuple, range, bytes, bytearray, memoryview, array.array)


class Sample(NamedTuple):
    """What is looked at instead of a value.

    Attributes:
        value: the value itself, if it is small.
        sizes: the sizes of the value's first axes, where those of the sample are others.
        seen: says that there are more values than were looked at; empty if there are not.
        is_mended: whether a step has given it the axes that are asked for.
    """

    value: Any
    sizes: tuple[int, ...] = ()
    seen: str = ""
    is_mended: bool = False

    def shape(self, made: Any) -> tuple[int, ...]:
        """The shape that an array would have, if it were made of the value as it was of the sample."""
        found = tuple(made.shape)
        return (*self.sizes, *found[len(self.sizes) :])

    def after(self, step: Step) -> Sample:
        """The sample behind a step. Its sizes say nothing of the value's once its axes are mended."""
        is_mended = self.is_mended or bool(self.sizes and step.mends_axes)
        return self._replace(value=step.do(self.value), is_mended=is_mended)


def take_sample(value: Any) -> Sample | None:
    """Return a value, or a sample of a large one; None if none can be had without reading all of it."""
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
    """Whether a list, a tuple or a dict holds no more items than may be tried, to any depth."""
    left, open_ = MOST_TRIED, list[Any]([value])
    try:
        while open_ and left >= 0:
            holder = open_.pop()
            items: Any = holder.values() if issubclass(class_of(holder), dict) else holder
            taken: list[Any] = list(itertools.islice(items, left + 1))
            left -= len(taken)
            open_ += [each for each in taken if issubclass(class_of(each), (list, tuple, dict))]
    except Exception:  # noqa: BLE001 - a class of somebody else's may raise anything
        return False
    return left >= 0


_STORED: Final = frozenset({"h5py", "zarr"})


def is_stored(value: Any) -> bool:
    """Whether a value is an array that lies in a file, which is not read for a message."""
    kind = class_of(value)
    is_one = package_of(kind) in _STORED and hasattr(kind, "__getitem__")
    return is_one and hasattr(value, "shape") and hasattr(value, "dtype")


def stored_alike(value: Any) -> Any:
    """Make an array of a stored one's dtype, of zeros, of the sizes that a sample would have."""
    steps = _steps(tuple(value.shape))
    sizes = [-(-size // step) for size, step in zip(value.shape, steps, strict=True)]
    return np.zeros(sizes, value.dtype)


def _sizes_of(value: Any) -> tuple[int, ...]:
    shape: Any = getattr(value, "shape", None)
    if type(shape) is tuple:
        return cast("tuple[int, ...]", shape)
    # A table of Arrow's, or no array at all.
    return (len(value),) if hasattr(class_of(value), "__len__") else ()


def _sample(part: Any, sizes: tuple[int, ...]) -> Sample:
    return Sample(part, sizes, f"judged by a part of its {math.prod(sizes):,} values")


def _sample_of_array(world: World, value: Any) -> Sample | None:
    try:
        is_large = world.size(value) > MOST
    except Exception:  # noqa: BLE001 - a tensor that is not initialised yet: a conversion says so
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
    step = min(sizes[0], -(-math.prod(sizes) // MOST))  # tables are cut along their rows
    try:
        return _sample(value[::step], sizes)
    except Exception:  # noqa: BLE001 - somebody else's class may raise anything
        return None


def _sample_of_items(value: Any) -> Sample:
    """A part of what may be nested: as regular as an array, or no array can be made of it."""
    sizes: list[int] = []
    first: Any = value
    while issubclass(class_of(first), _ITEMS) and len(first):
        sizes.append(len(first))
        first = first[0]
    world = find_world(first)
    inside = tuple(first.shape) if world is not None else ()
    # Each list and each array takes as long as many numbers.
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
        if class_of(found) not in {list, tuple} or not (inside or depth > 1):
            return found
        return type(found)(part(each, steps[1:], depth - 1) for each in found)

    return _sample(part(value, steps, len(sizes)), (*sizes, *inside))


def _steps(sizes: tuple[int, ...], most: int = MOST) -> tuple[int, ...]:
    """The step along each axis, so that no more than `most` are left, and two of each that has two."""
    left = math.prod(sizes)
    steps: list[int] = []
    for size in sizes:
        step = max(1, min(size // 2, -(-left // most)))
        left = -(-left // step)
        steps.append(step)
    return tuple(steps)
