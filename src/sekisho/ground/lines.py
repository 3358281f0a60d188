"""Lines appended to a file while somebody else's program runs: never to a file of the program's.

A program may close all descriptors, and open files of its own under the same numbers; it may remove the
folder, change its user or its root. Of the standard library alone, since tracers load it by its path.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["LineFile"]


class LineFile:
    """A file of a process's own, in append mode.

    Attributes:
        lost: how many lines could not be written.
    """

    def __init__(self, path: str, header: Callable[[], bytes]) -> None:
        """Begin the file.

        Args:
            path: where it is.
            header: gives the lines that it begins with, again if it has to be begun again.

        Raises:
            OSError: if it cannot be.
        """
        self.lost: int = 0
        self._path: str = path
        self._header: Callable[[], bytes] = header
        self._descriptor: int = -1
        self._mark: tuple[int, int] = 0, 0
        self._open()

    def write(self, line: bytes) -> bool:
        """Append a line; False if it is lost."""
        try:
            if not self.is_open():
                self._open()
            # One write a line, in append mode: no line is torn, but the last one of who is killed in it.
            if os.write(self._descriptor, line) == len(line):
                return True
        except OSError:
            pass
        self.lost += 1
        return False

    def is_open(self) -> bool:
        """Whether the descriptor is that of this file, and not closed or of another one."""
        try:
            found = os.fstat(self._descriptor)
        except OSError:
            return False
        if (found.st_dev, found.st_ino) != self._mark:
            return False
        try:
            # A removed file's number may be another one's by now.
            return os.path.samestat(found, os.stat(self._path))
        except PermissionError:  # the process has another user now
            return True
        except OSError:
            return False

    def close(self) -> None:
        """Let go of it, if it is still there."""
        if self.is_open():
            os.close(self._descriptor)
        self._descriptor = -1

    def _open(self) -> None:
        # The descriptor that it had is not closed: it may be the program's.
        flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | getattr(os, "O_BINARY", 0)
        self._descriptor = os.open(self._path, flags, 0o600)
        found = os.fstat(self._descriptor)
        self._mark = found.st_dev, found.st_ino
        if not found.st_size:
            os.write(self._descriptor, self._header())
