"""The dtype and shape that a generic alias of an array class specifies."""

from __future__ import annotations

from typing import NamedTuple

__all__ = ["Alias"]


class Alias(NamedTuple):
    """A parsed generic alias of an array class, such as ``NDArray[np.float32]``.

    Attributes:
        text: the annotation as messages show it.
        dtypes: names of the accepted dtypes, or None for any.
        label: what messages call these dtypes together.
        axes: the axes in jaxtyping's syntax, or None for any shape.
        variable: name of the type variable that all arrays of a call must agree on.
        kind: the class to check with `isinstance`, if it checks more than world and dtype.
    """

    text: str
    dtypes: tuple[str, ...] | None
    label: str | None
    axes: str | None
    variable: str | None = None
    kind: type | None = None
