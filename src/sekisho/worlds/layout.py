"""Memory layouts of arrays, as code for tests of strides and views, and an aligned copy."""

from __future__ import annotations

from typing import Any, Final, NamedTuple

import numpy as np

__all__ = ["Layout", "aligned_copy"]

_ALIGNMENT: Final = 64
"""In bytes: a cache line, and the alignment that XLA needs to use memory without copying it."""


def aligned_copy(array: np.ndarray[Any, Any], dtype: Any) -> np.ndarray[Any, Any]:
    """Return a contiguous copy that starts at a multiple of 64 bytes, viewed as `dtype`.

    NumPy aligns memory to 16 bytes. A library that needs more copies the array again, and JAX does
    so later: `jax.numpy.array(x, copy=True)` of more than 100 kB returns before it has read `x`,
    and a later write to `x` then shows in the new array.

    Args:
        array: the array to copy.
        dtype: a dtype of the same item size.
    """
    memory = np.empty(array.nbytes + _ALIGNMENT, np.uint8)
    start = -memory.ctypes.data % _ALIGNMENT
    copy: np.ndarray[Any, Any] = memory[start : start + array.nbytes].view(dtype)
    copy = copy.reshape(array.shape)
    copy[...] = array
    return copy


class Layout(NamedTuple):
    """A memory layout that a contiguous array can be brought into.

    Attributes:
        code: an expression with ``{0}`` for the array. The result has the same shape and dtype, but
            possibly other values.
        rank: minimum number of dimensions this layout needs.
        kinds: NumPy's kind letters of the supported dtypes.
        dtypes: names of the supported dtypes, if not all of these kinds.
        takes_empty: whether an array without elements can have this layout.
        takes_writes: whether one element can be written without an error and without changing
            another.
        is_memory: whether the array is the same but for its memory, so that results are, too.
    """

    code: str
    rank: int = 0
    kinds: str = "biufc"
    dtypes: frozenset[str] | None = None
    takes_empty: bool = True
    takes_writes: bool = True
    is_memory: bool = True

    def fits(self, shape: tuple[int, ...], kind: str, dtype: str) -> bool:
        """Return whether an array of this shape and dtype can have this layout."""
        return (
            len(shape) >= self.rank
            and kind in self.kinds
            and (self.dtypes is None or dtype in self.dtypes)
            and (self.takes_empty or 0 not in shape)
        )
