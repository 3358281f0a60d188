"""Notice operations of NumPy on small integers whose results do not fit their dtype.

NumPy wraps around in silence. A subclass computes each operation a second time in int64.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np

__all__ = ["MOST_BYTES", "told", "watched_class"]

MOST_BYTES: Final = 2
"""Only dtypes whose extreme values are ordinary: those of pixels and audio samples."""

_ARITHMETIC: Final = frozenset(
    {np.add, np.subtract, np.multiply, np.negative, np.power, np.square, np.absolute, np.matmul}
)


def watched_class(found: list[str]) -> type[np.ndarray[Any, Any]]:
    """Return a subclass of ndarray whose operations add a line to `found` if they wrap around."""

    class Watched(np.ndarray[Any, Any]):
        def __array_ufunc__(
            self, ufunc: Any, method: Any, *inputs: Any, out: Any = None, **kwargs: Any
        ) -> Any:
            plain = [_plain(each) for each in inputs]
            wide = None
            if ufunc in _ARITHMETIC and method != "at":
                wide = _wide(ufunc, method, plain, kwargs)  # first: `out` may be one of the inputs
            if out is not None:
                kwargs["out"] = tuple([_plain(each) for each in out])
            result = getattr(ufunc, method)(*plain, **kwargs)
            if wide is not None:
                _compare(ufunc.__name__, result, wide, found)
            if out is not None:
                return out[0] if len(out) == 1 else out
            return result.view(Watched) if isinstance(result, np.ndarray) else result

    return Watched


def _plain(value: Any) -> Any:
    return value.view(np.ndarray) if isinstance(value, np.ndarray) else value


def _is_small(value: Any) -> bool:
    dtype = getattr(value, "dtype", None)
    return dtype is not None and dtype.kind in "iu" and dtype.itemsize <= MOST_BYTES


def _wide(ufunc: Any, method: str, inputs: list[Any], kwargs: dict[str, Any]) -> Any:
    """Compute an operation in int64; None if it is none of small integers."""
    if not any(map(_is_small, inputs)):
        return None
    wide = [each.astype(np.int64) if _is_small(each) else each for each in inputs]
    rest = {name: each for name, each in kwargs.items() if name != "dtype"}
    with np.errstate(all="ignore"):
        try:
            return getattr(ufunc, method)(*wide, **rest)
        except (TypeError, ValueError):
            return None  # the operation itself raises, in its own words


def _compare(name: str, result: Any, wide: Any, found: list[str]) -> None:
    if not _is_small(result):
        return
    one, other = np.asarray(result).astype(np.int64), np.asarray(wide)
    differs: Any = np.argwhere(one != other) if one.shape == other.shape else ()
    if len(differs):
        at = tuple(differs[0])
        found.append(told(name, result.dtype.name, one[at], other[at]))


def told(name: str, dtype: str, narrow: Any, wide: Any) -> str:
    """Say what an operation gave, and what it should have given."""
    return f"{name} of {dtype} gives {int(narrow)}, where the result is {int(wide)}"
