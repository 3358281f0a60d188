"""Compare values: as numbers, with a tolerance by dtype, or bit by bit."""

from __future__ import annotations

from typing import Any, Final

import numpy as np

from sekisho.worlds import HOST, dtype_name, find_world, flatten

__all__ = ["image", "largest", "numbers", "tolerance"]


def image(value: Any) -> Any:
    """Return what a call must not change: the values bit by bit, the shape and the dtype."""
    world = find_world(value) or HOST
    host = world.host_values(value)
    return tuple(value.shape), dtype_name(value.dtype), np.asarray(host).tobytes()


def numbers(value: Any) -> Any:
    """Return a value as NumPy numbers wide enough to compare; None if it is not numeric."""
    world = find_world(value)
    if world is None and not isinstance(value, (bool, int, float, complex)):
        return None
    host = np.asarray(value if world is None else world.host_values(value))
    if host.dtype.kind not in "biufc":
        return None
    return host.astype("complex128" if host.dtype.kind == "c" else "float64")


_TOLERANCES: Final = {
    "float16": 0.03,
    "bfloat16": 0.1,
    "float32": 4e-4,
    "complex64": 4e-4,
    "bool": 0.0,
}
"""About the square root of each dtype's precision: half of its digits."""


def tolerance(value: Any) -> float:
    """Return how far results of a value's dtype may differ, relative to the largest number around."""
    name = dtype_name(value.dtype) if find_world(value) else ""
    return _TOLERANCES.get(name, 1e-7)


def largest(values: Any) -> float:
    """Return the largest finite number in some values, at least 1."""
    found = 1.0
    for each in flatten(values):
        values_of = numbers(each)
        if values_of is not None:
            sizes = np.abs(values_of[np.isfinite(values_of)])
            found = max(found, float(sizes.max(initial=0.0)))
    return found
