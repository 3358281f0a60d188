"""Tell a refusal of an input, by the function or by a library that it calls, from a crash."""

from __future__ import annotations

import dis
import re
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from types import TracebackType

__all__ = ["line_of_own_raise", "may_be_of_shapes", "has_no_result"]

_RAISE: Final = dis.opmap["RAISE_VARARGS"]
_REFUSALS: Final = (ValueError, TypeError, NameError, NotImplementedError, RuntimeError)
"""What functions raise for inputs that they do not take."""


def line_of_own_raise(error: BaseException, package: str) -> int | None:
    """Return the line of a ``raise`` statement in a package that refuses an input.

    None if a library raised the error, if it is an ``assert``, or of a class that says something
    else than "not such an input", such as a KeyError.
    """
    innermost: TracebackType | None = error.__traceback__
    while innermost is not None and innermost.tb_next is not None:
        innermost = innermost.tb_next
    if innermost is None:
        return None
    frame, at = innermost.tb_frame, innermost.tb_lasti
    root = str(frame.f_globals.get("__name__", "")).partition(".")[0]
    is_refusal = isinstance(error, _REFUSALS) or type(error).__module__.partition(".")[0] == root
    # The argument is 0 for a bare `raise`, which hands on what a library raised.
    is_own = frame.f_code.co_code[at] == _RAISE and frame.f_code.co_code[at + 1] > 0
    return innermost.tb_lineno if root == package and is_refusal and is_own else None


def has_no_result(error: BaseException) -> bool:
    """Return whether a library of linear algebra has no result for such numbers: an inverse, an SVD."""
    # NumPy, SciPy and PyTorch have a class of this name each.
    return any(each.__name__.lstrip("_") == "LinAlgError" for each in type(error).__mro__)


_OF_SHAPES: Final = (AssertionError, IndexError, RuntimeError, TypeError, ValueError)
_CALLS: Final = re.compile(r"unexpected keyword|positional argument|required (keyword|positional)")


def may_be_of_shapes(error: BaseException) -> bool:
    """Return whether an error may say that an array has other axes than the code expects."""
    return isinstance(error, _OF_SHAPES) and not _CALLS.search(str(error))
