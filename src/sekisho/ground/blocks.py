"""What is entered by ``with``, and says so where it is not."""

from __future__ import annotations

import warnings
from typing import Any, NoReturn, TypeVar

from sekisho.errors import DeclarationError

__all__ = ["Block", "without_last"]

Entered = TypeVar("Entered", bound="tuple[Any, ...]")


def without_last(entered: tuple[Entered, ...], block: Block) -> tuple[Entered, ...]:
    """Return what was entered here and now, without the last entry of a block that is left.

    A block keeps nothing in itself: two threads may have entered the same one, and one thread may have
    entered it twice. If it was entered elsewhere, which a generator can do that ends in another thread,
    nothing changes.

    Args:
        entered: entries, the innermost last, each with its block in front.
        block: the block.
    """
    for i in reversed(range(len(entered))):
        if entered[i][0] is block:
            return entered[:i] + entered[i + 1 :]
    return entered


class _WithParentheses(type):
    """Tells who writes ``with sk.mode:`` what is missing."""

    call: str

    def __enter__(cls) -> NoReturn:
        raise DeclarationError(
            f"{cls.__name__}: the parentheses are missing.\n"
            f"  hint: with sekisho.{cls.__name__}{cls.call}:"
        )

    def __exit__(cls, *error: object) -> None:
        """Never reached; Python looks it up before it enters."""


class Block(metaclass=_WithParentheses):
    """Holds for the length of a ``with`` block, and for nothing else.

    One that is never entered does nothing, which nobody means: it warns when it goes, at the line
    that has made it, as a coroutine does that was never awaited.
    """

    call = "()"
    """How it is called, in messages."""

    _is_used = True

    def __del__(self) -> None:
        if not self._is_used:
            name, call = type(self).__name__, type(self).call
            warnings.warn(
                f"sekisho.{name}{call} was never entered, and so did nothing.\n"
                f"  hint: with sekisho.{name}{call}:",
                RuntimeWarning,
                stacklevel=2,
            )
