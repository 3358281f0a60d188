"""Frames of running functions: hide sekisho's own from warnings, and read their local names."""

from __future__ import annotations

import ast
import inspect
import linecache
import sys
from types import CodeType
from typing import TYPE_CHECKING, Any, Final, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import FrameType

__all__ = ["NOT_COUNTED", "codes_in", "expression_at", "locals_of", "not_counted"]

F = TypeVar("F", bound="Callable[..., Any]")

NOT_COUNTED: Final = "importlib._bootstrap"
"""Put into a code's file name so that `warnings` and `logging` skip its frames for ``stacklevel``.

Both skip frames of the import system, which they recognize by these two words in the file name. So
a warning in a guarded function is shown where its author intended, and Python's filters apply to
it."""


def not_counted(function: F) -> F:
    """Hide a function between a guard and its body, and its nested functions, from warnings."""
    marked: Any = function
    marked.__code__ = _renamed(marked.__code__)
    return function


def _renamed(code: CodeType) -> CodeType:
    inside = tuple(_renamed(c) if isinstance(c, CodeType) else c for c in code.co_consts)
    return code.replace(co_filename=f"<sekisho {NOT_COUNTED} {code.co_name}>", co_consts=inside)


def codes_in(code: CodeType | None) -> Iterator[CodeType]:
    """Yield a code object and those of the functions and classes defined inside it."""
    if code is not None:
        yield code
        for each in code.co_consts:
            if isinstance(each, CodeType):
                yield from codes_in(each)


_OURS: Final = 3


def locals_of(frame: FrameType) -> dict[str, Any]:
    """Return a frame's local names without keeping their values alive.

    Before Python 3.13, reading ``frame.f_locals`` makes the frame keep a copy of its locals until
    it returns or is read again. A variable that is deleted in the meantime would stay alive there.
    """
    copy_of_locals: Any = frame.f_locals
    found = dict(copy_of_locals)
    is_copy = type(copy_of_locals) is dict and frame.f_code.co_flags & inspect.CO_OPTIMIZED
    # Three references: the frame's, this function's, and the argument of `getrefcount`. With one
    # more, the program itself holds the dict that `locals()` returned, and it must not be cleared.
    count: Any = getattr(sys, "getrefcount", None)  # without it, assume that the program holds it
    if is_copy and count is not None and count(copy_of_locals) <= _OURS:
        copy_of_locals.clear()
    return found


def expression_at(frame: FrameType) -> ast.expr | None:
    """Return the expression that a frame is at; None without its source, or with another one."""
    positions = list(frame.f_code.co_positions())
    # `f_lasti` counts bytes, and an instruction has two.
    line, last, start, end = positions[frame.f_lasti // 2]
    if line is None or last is None or start is None or end is None:
        return None
    filename = frame.f_code.co_filename
    lines = [
        linecache.getline(filename, each, frame.f_globals).encode()
        for each in range(line, last + 1)
    ]
    lines[-1] = lines[-1][:end]
    lines[0] = lines[0][start:]
    try:
        # In parentheses, since what they enclosed may have several lines.
        return ast.parse(b"(%s)" % b"".join(lines), mode="eval").body
    except (SyntaxError, ValueError):
        return None
