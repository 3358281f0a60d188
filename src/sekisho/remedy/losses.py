"""What a cast would lose of the values at hand: looked up in the values, in the error path only."""

from __future__ import annotations

from typing import Any

import numpy as np

from sekisho.worlds import HOST, World, find_world, loaded_worlds

__all__ = ["are_same", "loss_of"]


def are_same(a: Any, b: Any) -> Any:
    """Which values of two arrays are the same, NaN being the same as NaN."""
    return (a == b) | ((a != a) & (b != b))  # noqa: PLR0124 - NaN


def loss_of(value: Any, target: str) -> str | None:
    """What a cast to the dtype called `target` would lose; None if every value stays what it is.

    Returns:
        None, or one of: ``"rounds"`` (digits, and no more than those that `target` has not),
        ``"image"`` (fractions of 1, all in [0, 1], which are to be whole numbers of 8 bits),
        ``"fraction"``, ``"range"``, ``"tiny"``, ``"holds NaN"``, ``"bool"``, ``"complex"``,
        ``"meaning"`` (text, dates and objects are no numbers).
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
    # As Python's integers: NumPy would compare int64 and uint64 as floats.
    fits = limits.min <= int(values.min()) and int(values.max()) <= limits.max
    return None if fits else "range"


def _loss_of_digits(values: np.ndarray[Any, Any], target: str) -> str | None:
    cast, eps = _there_and_back(values, target)
    if target.startswith("complex"):
        # Part by part: of 1e300-infj nothing but its real part overflows, and of nan+1.1j nothing
        # but its imaginary part is rounded.
        cast, values = _parts(cast), _parts(values)
    same = are_same(cast, values)
    if values.dtype.kind in "iu":
        same &= _exactly(cast, values)
    if bool(same.all()):
        return None
    if bool((~np.isfinite(cast) & np.isfinite(values)).any()):
        return "range"
    wide = np.promote_types(values.dtype, np.float64)  # longdouble, where the values are
    error = np.abs(cast.astype(wide) - values.astype(wide))[~same]
    return "rounds" if bool((error <= eps * np.abs(values[~same])).all()) else "tiny"


def _parts(values: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    return np.stack([values.real, values.imag])


def _exactly(cast: np.ndarray[Any, Any], values: np.ndarray[Any, Any]) -> Any:
    """Whether floats are the very integers that they were made of."""
    limits = np.iinfo(values.dtype)
    inside = (cast >= float(limits.min)) & (cast < float(limits.max))
    return inside & (np.where(inside, cast, 0).astype(values.dtype) == values)


def _there_and_back(values: np.ndarray[Any, Any], target: str) -> Any:
    """The values as `target` holds them, in a dtype that NumPy has; and the step between two."""
    holder = next(world for world in loaded_worlds() if target in world.dtypes().values())
    return holder.rounded_to(values, target)


def _world(value: Any) -> World:
    return find_world(value) or HOST
