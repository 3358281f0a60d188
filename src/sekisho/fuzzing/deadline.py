"""A time limit for a call."""

from __future__ import annotations

import contextlib
import ctypes
import signal
import threading
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Generator

__all__ = ["Overdue", "deadline"]


class Overdue(BaseException):
    """Raised in a call that takes too long. ``except Exception`` does not catch it."""


@contextlib.contextmanager
def deadline(seconds: float) -> Generator[None]:
    """Raise `Overdue` in the block if it takes longer than `seconds`.

    In the main thread a signal raises it, which also interrupts ``sleep`` and waiting for a lock.
    In other threads, and on platforms without such signals, it interrupts Python code but not a
    call of C code.
    """
    is_main = threading.current_thread() is threading.main_thread()
    if is_main and hasattr(signal, "setitimer") and signal.getitimer(signal.ITIMER_REAL)[0] == 0:
        yield from _by_signal(seconds)
    else:
        yield from _by_thread(seconds)


def _by_signal(seconds: float) -> Generator[None]:
    def end(*_: Any) -> None:
        raise Overdue

    before = signal.signal(signal.SIGALRM, end)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def _by_thread(seconds: float) -> Generator[None]:
    ident = ctypes.c_ulong(threading.get_ident())
    lock, is_over = threading.Lock(), False

    def end() -> None:
        with lock:
            if not is_over:
                ctypes.pythonapi.PyThreadState_SetAsyncExc(ident, ctypes.py_object(Overdue))

    timer = threading.Timer(seconds, end)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        with lock:
            is_over = True
        timer.cancel()
