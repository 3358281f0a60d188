"""Check a value against an annotation inside of a function body."""

from __future__ import annotations

import functools
from typing import Any, TypeVar

from sekisho.context import current
from sekisho.errors import hide_in_pytest
from sekisho.utils import frame_at
from sekisho.worlds import is_compiling

__all__ = ["check"]

__tracebackhide__ = hide_in_pytest

T = TypeVar("T")


def check(value: T, annotation: Any, /) -> T:
    """Check a value against an annotation, with the axes of the guarded function around it.

    Inside of a guarded function, an axis that an argument has bound must have that size. A new axis
    is bound for later checks and for the result. Elsewhere each check is independent. Nothing is
    converted: a value of another world is refused.

    Args:
        value: anything.
        annotation: what it must be: an array, a container of arrays, a class, as in a signature.

    Returns:
        The value itself.

    Raises:
        BoundaryError: of the class that fits, naming the line, the axes, and what bound them; or, where
            ``violations="warn"`` (see `set_mode`), a warning with the same text.
        DeclarationError: if the annotation is not valid.

    Examples:
        >>> import numpy as np
        >>> import sekisho as sk
        >>> from jaxtyping import Float
        >>> @sk.numpy_world
        ... def scores(q: Float[np.ndarray, "n d"], k: Float[np.ndarray, "m d"]):
        ...     return sk.check(q @ k.T, Float[np.ndarray, "n m"])
        >>> scores(np.ones((2, 3)), np.ones((4, 3))).shape
        (2, 4)
    """
    setting = current()
    if setting.name == "off":
        return value
    from sekisho.guard import hold_at, hold_traced  # noqa: PLC0415 - importing sekisho stays light

    if is_compiling():
        hold_traced(value, annotation, setting)
    else:
        hold_at(value, annotation, _caller(), setting)
    return value


_caller: Any = functools.partial(frame_at, 1)
"""Return the frame that calls `check`. Not a Python function, which would add a frame."""
