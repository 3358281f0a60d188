"""How an array may lie in memory: where a library wants it, and as code, for tests of strides and views."""

from __future__ import annotations

from typing import Any, Final, NamedTuple

import numpy as np

__all__ = ["Layout", "aligned_copy"]

_ALIGNMENT: Final = 64
"""In bytes: a cache line, and what XLA asks of memory that it is to take over as it is."""


def aligned_copy(array: np.ndarray[Any, Any], dtype: Any) -> np.ndarray[Any, Any]:
    """A contiguous copy that begins at a multiple of 64 bytes, of a dtype of the same size.

    NumPy's own memory begins at one of 16, and a library that wants more copies it again, or, as JAX,
    does so later: `jax.numpy.array(x, copy=True)` of more than 100 kB has returned before it has read
    them, and a write to `x` then is seen by the array that it made.
    """
    memory = np.empty(array.nbytes + _ALIGNMENT, np.uint8)
    start = -memory.ctypes.data % _ALIGNMENT
    copy: np.ndarray[Any, Any] = memory[start : start + array.nbytes].view(dtype)
    copy = copy.reshape(array.shape)
    copy[...] = array
    return copy


class Layout(NamedTuple):
    """A way to lay an array that is contiguous.

    Attributes:
        code: an expression, ``{0}`` being the array. The result has its shape and dtype; its values
            may be others.
        rank: of the arrays that can be laid so, the least.
        kinds: those of the dtypes that can, by NumPy's letters.
        dtypes: their names, if not all of these kinds.
        takes_empty: whether an array without elements can.
        takes_writes: whether one element can be written without another, and without an error.
    """

    code: str
    rank: int = 0
    kinds: str = "biufc"
    dtypes: frozenset[str] | None = None
    takes_empty: bool = True
    takes_writes: bool = True

    def fits(self, shape: tuple[int, ...], kind: str, dtype: str) -> bool:
        """Whether an array of this shape and dtype can be laid so."""
        return (
            len(shape) >= self.rank
            and kind in self.kinds
            and (self.dtypes is None or dtype in self.dtypes)
            and (self.takes_empty or 0 not in shape)
        )
