"""How an array may lie in memory, as code that lays it so: what tests of strides and views need."""

from __future__ import annotations

from typing import NamedTuple

__all__ = ["Layout"]


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
