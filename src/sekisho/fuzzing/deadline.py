"""A time limit for a call."""

from __future__ import annotations

import contextlib
import ctypes
import signal
import sys
import threading
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Generator

__all__ = ["Overdue", "deadline"]

_SOON, _AGAIN = 0.01, 0.5  # seconds


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

    # A finalizer and a callback of the garbage collector can raise nothing: Python hands the error to
    # this hook and goes on. So the timer is set again, to meet the code that they interrupted.
    def raise_again(unraisable: sys.UnraisableHookArgs) -> None:
        if unraisable.exc_type is Overdue:
            signal.setitimer(signal.ITIMER_REAL, _SOON)
        else:
            hook(unraisable)

    before, hook = signal.signal(signal.SIGALRM, end), sys.unraisablehook
    sys.unraisablehook = raise_again
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
        sys.unraisablehook = hook


def _by_thread(seconds: float) -> Generator[None]:
    ident = ctypes.c_ulong(threading.get_ident())
    lock, left = threading.Lock(), threading.Event()

    # Raised again until the block is left, since the first may have met a finalizer, which drops it.
    def end() -> None:
        wait = seconds
        while not left.wait(wait):
            with lock:
                if not left.is_set():
                    ctypes.pythonapi.PyThreadState_SetAsyncExc(ident, ctypes.py_object(Overdue))
            wait = _AGAIN

    threading.Thread(target=end, daemon=True).start()
    try:
        yield
    finally:
        try:
            with lock:
                left.set()
        finally:  # where the error is raised in these lines
            left.set()
