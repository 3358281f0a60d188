"""Frames, looked at from outside."""

from __future__ import annotations

import inspect
import sys
from types import CodeType
from typing import TYPE_CHECKING, Any, Final, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import FrameType

__all__ = ["NOT_COUNTED", "locals_of", "not_counted"]

F = TypeVar("F", bound="Callable[..., Any]")

NOT_COUNTED: Final = "importlib._bootstrap"
"""In the file name of a code, it has `warnings` and `logging` leave the code's frames out when they
count a ``stacklevel``, as they do with the frames of an import: both look for these two words. So a
warning in a guarded function is shown where its author meant it, and Python's filters let it through."""


def not_counted(function: F) -> F:
    """Mark a function of ours that stands between a guard and its body, and what it defines inside."""
    marked: Any = function
    marked.__code__ = _renamed(marked.__code__)
    return function


def _renamed(code: CodeType) -> CodeType:
    inside = tuple(_renamed(c) if isinstance(c, CodeType) else c for c in code.co_consts)
    return code.replace(co_filename=f"<sekisho {NOT_COUNTED} {code.co_name}>", co_consts=inside)


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
