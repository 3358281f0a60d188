"""Frames, looked at from outside."""

from __future__ import annotations

import inspect
import sys
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from types import FrameType

__all__ = ["locals_of"]

_OURS: Final = 3


def locals_of(frame: FrameType) -> dict[str, Any]:
    """The local names of a frame, without keeping alive what they are.

    Before Python 3.13 a frame that is asked for its locals keeps a copy of them, until it returns or
    is asked again: a variable that is deleted meanwhile would live on there.
    """
    copy_of_locals: Any = frame.f_locals
    found = dict(copy_of_locals)
    is_copy = type(copy_of_locals) is dict and frame.f_code.co_flags & inspect.CO_OPTIMIZED
    # Its references: the frame's, this function's, and that of the call that counts them. One more,
    # and the program itself holds what `locals()` has given it.
    count: Any = getattr(sys, "getrefcount", None)  # without it the program may hold what we see
    if is_copy and count is not None and count(copy_of_locals) <= _OURS:
        copy_of_locals.clear()
    return found
