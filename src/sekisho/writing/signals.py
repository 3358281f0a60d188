"""Delay signals that end the process while files are replaced; raise exceptions otherwise."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import threading
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Generator

__all__ = ["Interrupted", "deferred_signals", "end_by", "ending_signals_raise"]

# SIGBREAK exists on Windows only, SIGHUP and SIGQUIT everywhere else.
_NAMES: Final = ("SIGTERM", "SIGHUP", "SIGQUIT", "SIGBREAK")
_ENDING: Final = tuple(getattr(signal, name) for name in _NAMES if hasattr(signal, name))


class Interrupted(KeyboardInterrupt):
    """A signal that asks the process to end. `subprocess` treats it like Ctrl+C.

    Attributes:
        number: the number of the signal.
    """

    def __init__(self, number: int) -> None:
        super().__init__(signal.Signals(number).name)
        self.number: int = number


@contextlib.contextmanager
def _handled(numbers: tuple[int, ...], handler: Any) -> Generator[None]:
    before: dict[int, Any] = {}
    # Only the main thread may set handlers, and Python runs them in it.
    if threading.current_thread() is threading.main_thread():
        for number in numbers:
            current = signal.getsignal(number)
            # None: set by C code. SIG_IGN: set by nohup, so the process must survive the signal.
            if current is not None and current is not signal.SIG_IGN:
                before[number] = signal.signal(number, handler)
    try:
        yield
    finally:
        for number, handler_before in before.items():
            signal.signal(number, handler_before)


@contextlib.contextmanager
def ending_signals_raise() -> Generator[None]:
    """Raise `Interrupted` in the block if a signal asks the process to end."""

    def stop(number: int, _frame: Any) -> None:
        raise Interrupted(number)

    with _handled(_ENDING, stop):
        yield


@contextlib.contextmanager
def deferred_signals() -> Generator[None]:
    """Delay signals, including Ctrl+C, until the end of the block."""
    pending: list[int] = []

    def note(number: int, _frame: Any) -> None:
        pending.append(number)

    try:
        with _handled((signal.SIGINT, *_ENDING), note):
            yield
    finally:
        for number in pending:
            signal.raise_signal(number)


def end_by(number: int) -> None:
    """End this process with a signal, so that its parent sees the signal as the cause."""
    with contextlib.suppress(ImportError, ValueError, OSError):  # no second core dump
        import resource  # noqa: PLC0415 - does not exist on Windows

        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    sys.stdout.flush()
    sys.stderr.flush()
    with contextlib.suppress(ValueError, OSError):  # SIGKILL cannot have a handler
        signal.signal(number, signal.SIG_DFL)
    os.kill(os.getpid(), number)
