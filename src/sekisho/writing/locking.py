"""Lock a file, so that two runs do not work on it at once."""

from __future__ import annotations

import contextlib
import os
from typing import Any

__all__ = ["lock"]


def lock(descriptor: int) -> bool:
    """Lock a file while it is open. The kernel also releases the lock of a killed process."""
    try:
        import fcntl  # noqa: PLC0415 - does not exist on Windows
    except ImportError:
        return _lock_on_windows(descriptor)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _lock_on_windows(descriptor: int) -> bool:
    import msvcrt  # noqa: PLC0415 - only exists on Windows

    calls: Any = msvcrt
    with contextlib.suppress(OSError):
        # Lock far behind the end, because other processes cannot read a locked range.
        os.lseek(descriptor, 1 << 30, os.SEEK_SET)
        calls.locking(descriptor, calls.LK_NBLCK, 1)
        os.lseek(descriptor, 0, os.SEEK_END)
        return True
    return False
