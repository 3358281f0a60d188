"""The mode: how crossings are answered, here and now.

A process has one mode, from `set_mode` or the environment; a ``with mode(...)`` block overrides
it for its own thread or task. A worker process starts with its parent's mode, since `set_mode`
writes it to the environment.
"""

from __future__ import annotations

import os
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, Final, Literal, get_args

if TYPE_CHECKING:
    from collections.abc import Generator

__all__ = ["Mode", "get_mode", "mode", "set_mode"]

Mode = Literal["convert", "warn", "strict", "off"]

_MODES: Final[tuple[Mode, ...]] = get_args(Mode)
_VARIABLE: Final = "SEKISHO_MODE"

_scoped: ContextVar[Mode | None] = ContextVar("sekisho_mode", default=None)


def _checked(name: object, source: str) -> Mode:
    for known in _MODES:
        if name == known:
            return known
    raise ValueError(f"{source}: expected one of {', '.join(map(repr, _MODES))}, got {name!r}.")


_process: Mode = _checked(os.environ.get(_VARIABLE, "convert"), f"environment variable {_VARIABLE}")


def get_mode() -> Mode:
    """Return the mode in force for this thread or task.

    Examples:
        >>> import sekisho as sk
        >>> with sk.mode("strict"):
        ...     sk.get_mode()
        'strict'
    """
    return _scoped.get() or _process


def set_mode(mode: Mode) -> None:
    """Set the mode of this process, and of the worker processes it starts from now on.

    A surrounding ``with mode(...)`` block still wins inside of it.

    Args:
        mode: ``"convert"``, ``"warn"``, ``"strict"`` or ``"off"``.

    Raises:
        ValueError: for any other name.

    Examples:
        >>> import sekisho as sk
        >>> sk.set_mode("warn")
        >>> sk.get_mode()
        'warn'
        >>> sk.set_mode("convert")
    """
    global _process  # noqa: PLW0603 - one value a process is what this module is for
    _process = _checked(mode, "set_mode()")
    os.environ[_VARIABLE] = _process


@contextmanager
def mode(name: Mode) -> Generator[None]:
    """Hold a mode for the length of a ``with`` block, in this thread or task only.

    Args:
        name: ``"convert"``, ``"warn"``, ``"strict"`` or ``"off"``.

    Raises:
        ValueError: for any other name, on entering the block.

    Examples:
        >>> import sekisho as sk
        >>> with sk.mode("strict"), sk.mode("off"):
        ...     sk.get_mode()
        'off'
    """
    token = _scoped.set(_checked(name, "mode()"))
    try:
        yield
    finally:
        _scoped.reset(token)
