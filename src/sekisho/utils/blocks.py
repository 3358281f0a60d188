"""The base class of objects for ``with`` blocks, which warns if one is never entered."""

from __future__ import annotations

import warnings
from typing import Any, NoReturn, TypeVar

from sekisho.errors import DeclarationError

__all__ = ["Block", "without_last"]

Entered = TypeVar("Entered", bound="tuple[Any, ...]")


def without_last(entered: tuple[Entered, ...], block: Block) -> tuple[Entered, ...]:
    """Return the entries without the last one of the block that is exited.

    The entries belong to a context, not to the block: two threads may have entered the same block,
    and one thread may have entered it twice. If the block was entered in another context, such as
    by a generator that ends in another thread, nothing is removed.

    Args:
        entered: entries, innermost last, each with its block as the first item.
        block: the block that is exited.
    """
    for i in reversed(range(len(entered))):
        if entered[i][0] is block:
            return entered[:i] + entered[i + 1 :]
    return entered


class _WithParentheses(type):
    """A metaclass that explains the missing parentheses in ``with sk.mode:``."""

    call: str

    def __enter__(cls) -> NoReturn:
        raise DeclarationError(
            f"{cls.__name__}: the parentheses are missing.\n"
            f"  hint: with sekisho.{cls.__name__}{cls.call}:"
        )

    def __exit__(cls, *error: object) -> None:
        """Never called; Python looks it up before it calls `__enter__`."""


class Block(metaclass=_WithParentheses):
    """A setting that applies inside its ``with`` block only.

    An object that is never entered has no effect, which is always a mistake. It warns when it is
    deleted, at the line that created it, like a coroutine that was never awaited.
    """

    call = "()"
    """The arguments to show in messages."""

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
