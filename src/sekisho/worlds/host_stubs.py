"""What stubs do not say of libraries that work with NumPy's arrays."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["GIVES", "LEAVES", "READERS"]

GIVES: Final[Mapping[str, str]] = {
    "load": "NDArray[Any] | NpzFile",
    "pandas.core.base:IndexOpsMixin.to_numpy": "np.ndarray",
    "pandas.core.series:Series.values": "np.ndarray",
    # One column is a Series, several are a DataFrame: both have what is asked of them here.
    "pandas.core.frame:DataFrame.__getitem__": "Series",
}
"""What functions, methods and properties give: see `Supplement.gives`."""

_PLOTS: Final = (
    *("plot", "scatter", "hist", "imshow", "bar", "fill_between", "contour", "contourf"),
    *("errorbar", "boxplot", "semilogx", "semilogy", "loglog", "step", "stem", "pcolormesh"),
)
READERS: Final[Mapping[str, tuple[str, ...]]] = {
    "scipy": (),
    "sklearn": ("X", "Y", "y", "y_true", "y_pred", "y_score"),
    "pandas.core.series:Series.__init__": ("data",),
    "pandas.core.frame:DataFrame.__init__": ("data",),
    **dict.fromkeys((f"matplotlib.pyplot:{each}" for each in _PLOTS), ()),
    **dict.fromkeys((f"matplotlib.axes._axes:Axes.{each}" for each in _PLOTS), ()),
}
"""Functions that read the memory of what they are given: see `Supplement.readers`."""

LEAVES: Final = frozenset(
    {
        *("argwhere", "nonzero", "squeeze", "swapaxes", "rollaxis", "split", "array_split"),
        *("hsplit", "vsplit", "dsplit", "real", "imag", "isreal", "iscomplex", "bmat", "iterable"),
        *("array_equal", "array_equiv", "can_cast", "common_type", "info"),
        *("diag_indices_from", "tril_indices_from", "triu_indices_from", "shuffle"),
    }
)
"""Functions of NumPy's that call methods of what they are given, or catch what it raises. A test calls each."""
