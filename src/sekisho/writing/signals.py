"""Signals that end a process, held back while files are replaced, and raised as exceptions elsewhere."""

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

_NAMES: Final = ("SIGTERM", "SIGHUP", "SIGBREAK")  # Windows has no SIGHUP, the others no SIGBREAK
_ENDING: Final = tuple(getattr(signal, name) for name in _NAMES if hasattr(signal, name))


class Interrupted(KeyboardInterrupt):
    """A signal that asks the process to end. `subprocess` treats it as it treats ^C.

    Attributes:
        number: of the signal.
    """

    def __init__(self, number: int) -> None:
        super().__init__(signal.Signals(number).name)
        self.number: int = number


@contextlib.contextmanager
def _handled(numbers: tuple[int, ...], handler: Any) -> Generator[None]:
    before: dict[int, Any] = {}
    # Only the main thread may set handlers, and only it runs them.
    if threading.current_thread() is threading.main_thread():
        for number in numbers:
            current = signal.getsignal(number)
            # None: C code has set it. SIG_IGN: nohup has, and the process is to live on.
            if current is not None and current is not signal.SIG_IGN:
                before[number] = signal.signal(number, handler)
    try:
        yield
    finally:
        for number, handler_before in before.items():
            signal.signal(number, handler_before)


@contextlib.contextmanager
def ending_signals_raise() -> Generator[None]:
    """Raise `Interrupted` in the block when a signal asks the process to end."""

    def stop(number: int, _frame: Any) -> None:
        raise Interrupted(number)

    with _handled(_ENDING, stop):
        yield


@contextlib.contextmanager
def deferred_signals() -> Generator[None]:
    """Deliver signals that come in the block, ^C included, when the block has ended."""
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
    """End this process by a signal, so that whoever waits for it sees the signal."""
    with contextlib.suppress(ImportError, ValueError, OSError):  # one core dump is enough
        import resource  # noqa: PLC0415 - not on every system

        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    sys.stdout.flush()
    sys.stderr.flush()
    with contextlib.suppress(ValueError, OSError):  # SIGKILL has no handler
        signal.signal(number, signal.SIG_DFL)
    os.kill(os.getpid(), number)
