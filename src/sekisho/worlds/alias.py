"""What an annotation says by naming an array class and a dtype."""

from __future__ import annotations

from typing import NamedTuple

__all__ = ["Alias"]


class Alias(NamedTuple):
    """What a generic alias of an array class asks: ``NDArray[np.float32]``.

    Attributes:
        text: the annotation as messages show it.
        dtypes: the names of the dtypes that may pass; None is any.
        label: what they are called together.
        axes: the axes, as jaxtyping writes them; None is any shape.
        variable: the name of the type variable that all arrays of a call must agree on.
        kind: the class that `isinstance` is asked for, where it asks more than world and dtype.
    """

    text: str
    dtypes: tuple[str, ...] | None
    label: str | None
    axes: str | None
    variable: str | None = None
    kind: type | None = None
