"""Casts that an annotation allows: NumPy's five casting rules, for the dtypes of all libraries.

The rules are those of `numpy.can_cast`
(https://numpy.org/doc/stable/reference/generated/numpy.can_cast.html) with one exception. NumPy
calls int64 and uint64 to float64 safe, although it loses integers above 2**53. The rules differ
from torch's `can_cast`, which accepts int64 to int32.
"""

from __future__ import annotations

from typing import Any, Final, Literal

import numpy as np

from sekisho.worlds.registry import HOST, find_world

__all__ = ["Casting", "cast", "may_cast"]

Casting = Literal["no", "equiv", "safe", "same_kind", "unsafe"]

# Dtypes that NumPy lacks, each with the smallest NumPy dtype that holds all its values.
_HELD_BY: Final = {"bfloat16": "float32", "complex32": "complex64"}
_WIDE_INTEGERS: Final = {"int64", "uint64"}


def may_cast(  # noqa: PLR0911 - one return per rule
    source: str, target: str, casting: Casting
) -> bool:
    """Return whether a casting rule allows a cast between two dtypes, given by name."""
    if source == target:
        return True
    if casting in {"no", "equiv"}:
        return False
    if casting == "unsafe":
        return True
    held_by, wanted = _in_numpy(source), _in_numpy(target)
    if held_by is None or wanted is None:
        return False
    narrow = wanted != target  # NumPy lacks `target`, which has fewer digits than `wanted`
    if casting == "same_kind":
        return np.can_cast(held_by, wanted, "same_kind")
    if narrow or (source in _WIDE_INTEGERS and np.dtype(wanted).kind in "fc"):
        return False
    return np.can_cast(held_by, wanted, "safe")


def _in_numpy(name: str) -> str | None:
    if name.startswith("float8") and name != "float8_e8m0fnu":
        return "float16"
    known = name in HOST.dtypes().values()
    return _HELD_BY.get(name) or (name if known else None)


def cast(value: Any, target: str) -> Any:
    """Cast a value to the named dtype in its own world; gradients flow through."""
    world = find_world(value)
    assert world is not None  # only arrays are cast
    return world.cast(value, target)
