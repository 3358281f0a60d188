"""Determine what a cast would lose, from the actual values. Used for error messages only."""

from __future__ import annotations

from typing import Any

import numpy as np

from sekisho.worlds import HOST, Library, find_world, loaded_worlds

__all__ = ["are_same", "loss_of"]


def are_same(a: Any, b: Any) -> Any:
    """Return which values of two arrays are equal, treating NaN as equal to NaN."""
    return (a == b) | ((a != a) & (b != b))  # noqa: PLR0124 - true for NaN only


def loss_of(value: Any, target: str) -> str | None:
    """Return what a cast to the dtype `target` would lose; None if every value stays the same.

    Returns:
        None, or one of: ``"rounds"`` (only digits beyond the precision of `target`), ``"image"``
        (fractions, all in [0, 1], for an 8-bit dtype), ``"fraction"``, ``"range"``, ``"tiny"``,
        ``"holds NaN"``, ``"bool"``, ``"complex"``, ``"meaning"`` (text, dates and objects are not
        numbers).
    """
    values: Any = _world(value).host_values(value)
    if values.dtype.kind not in "biufc" or not values.size:
        return "meaning" if values.size else None
    with np.errstate(all="ignore"):
        if values.dtype.kind == "c" and not target.startswith("complex"):
            if bool(np.count_nonzero(values.imag)):
                return "complex"
            values = values.real
        if target == "bool":
            return None if bool(np.isin(values, (0, 1)).all()) else "bool"
        if target.startswith(("int", "uint")):
            return _loss_of_whole(values, target)
        return _loss_of_digits(values, target)


def _loss_of_whole(values: np.ndarray[Any, Any], target: str) -> str | None:
    if values.dtype.kind == "f":
        if not bool(np.isfinite(values).all()):
            return "holds NaN"
        if bool((values != np.rint(values)).any()):
            is_image = target == "uint8" and values.min() >= 0 and values.max() <= 1
            return "image" if is_image else _out_of_range(np.rint(values), target) or "fraction"
    return _out_of_range(values, target)


def _out_of_range(values: np.ndarray[Any, Any], target: str) -> str | None:
    limits = np.iinfo(target)
    # Compare Python integers: NumPy would compare int64 and uint64 as floats.
    fits = limits.min <= int(values.min()) and int(values.max()) <= limits.max
    return None if fits else "range"


def _loss_of_digits(values: np.ndarray[Any, Any], target: str) -> str | None:
    cast, eps = _there_and_back(values, target)
    if target.startswith("complex"):
        # Compare the parts separately: of 1e300-infj only the real part overflows, and of nan+1.1j
        # only the imaginary part is rounded.
        cast, values = _parts(cast), _parts(values)
    same = are_same(cast, values)
    if values.dtype.kind in "iu":
        same &= _exactly(cast, values)
    if bool(same.all()):
        return None
    if bool((~np.isfinite(cast) & np.isfinite(values)).any()):
        return "range"
    wide = np.promote_types(values.dtype, np.float64)  # keeps longdouble
    error = np.abs(cast.astype(wide) - values.astype(wide))[~same]
    return "rounds" if bool((error <= eps * np.abs(values[~same])).all()) else "tiny"


def _parts(values: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    return np.stack([values.real, values.imag])


def _exactly(cast: np.ndarray[Any, Any], values: np.ndarray[Any, Any]) -> Any:
    """Return where floats equal the integers that they were cast from."""
    limits = np.iinfo(values.dtype)
    inside = (cast >= float(limits.min)) & (cast < float(limits.max))
    return inside & (np.where(inside, cast, 0).astype(values.dtype) == values)


def _there_and_back(values: np.ndarray[Any, Any], target: str) -> Any:
    """Return the values rounded to `target`, in a NumPy dtype, and the epsilon of `target`."""
    holder = next(world for world in loaded_worlds() if target in world.dtypes().values())
    return holder.rounded_to(values, target)


def _world(value: Any) -> Library:
    return find_world(value) or HOST
