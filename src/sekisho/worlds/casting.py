"""Casts that an annotation may ask for: NumPy's five words, for the dtypes of all libraries.

The rule is `numpy.can_cast`'s (https://numpy.org/doc/stable/reference/generated/numpy.can_cast.html),
less one thing: it calls int64 and uint64 to float64 safe, which loses integers above 2**53. Not
torch's `can_cast`, to which int64 to int32 is fine.
"""

from __future__ import annotations

from typing import Any, Final, Literal

import numpy as np

from sekisho.worlds.registry import HOST, find_world

__all__ = ["Casting", "cast", "may_cast"]

Casting = Literal["no", "equiv", "safe", "same_kind", "unsafe"]

# Dtypes that NumPy lacks, and the smallest of its own that holds all their values.
_HELD_BY: Final = {"bfloat16": "float32", "complex32": "complex64"}
_WIDE_INTEGERS: Final = {"int64", "uint64"}


def may_cast(  # noqa: PLR0911 - one rule, one return
    source: str, target: str, casting: Casting
) -> bool:
    """Whether a dtype may become another one under a casting word; dtypes by name."""
    if source == target:
        return True
    if casting in {"no", "equiv"}:
        return False
    if casting == "unsafe":
        return True
    held_by, wanted = _in_numpy(source), _in_numpy(target)
    if held_by is None or wanted is None:
        return False
    narrow = wanted != target  # the target has fewer digits than the dtype that stands for it
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
    """The value with the dtype called `target`, in its own world; gradients flow through."""
    world = find_world(value)
    assert world is not None  # an array is cast
    return world.cast(value, target)
