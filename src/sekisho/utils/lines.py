"""Append lines to a file while a user's program runs, without ever writing to the program's files.

The program may close all descriptors and open its own files under the same numbers; it may delete
the folder, change its user or its root. This module uses the standard library only, since tracers
load it by its path.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["LineFile"]


class LineFile:
    """A file in append mode that belongs to one process.

    Attributes:
        lost: number of lines that could not be written.
    """

    def __init__(self, path: str, header: Callable[[], bytes]) -> None:
        """Create the file.

        Args:
            path: where the file is.
            header: returns the first lines of the file. Called again if the file is recreated.

        Raises:
            OSError: if the file cannot be created.
        """
        self.lost: int = 0
        self._path: str = path
        self._header: Callable[[], bytes] = header
        self._descriptor: int = -1
        self._mark: tuple[int, int] = 0, 0
        self._open()

    def write(self, line: bytes) -> bool:
        """Append a line and return whether it was written."""
        try:
            if not self.is_open():
                self._open()
            # One write per line in append mode: only a process that is killed can tear its last
            # line.
            if os.write(self._descriptor, line) == len(line):
                return True
        except OSError:
            pass
        self.lost += 1
        return False

    def write_inherited(self, line: bytes) -> bool:
        """Append a line to the file of a parent process, by its descriptor alone; False if it is lost."""
        try:
            found = os.fstat(self._descriptor)
            is_same = (found.st_dev, found.st_ino) == self._mark
            return is_same and os.write(self._descriptor, line) == len(line)
        except OSError:
            return False

    def is_open(self) -> bool:
        """Return whether the descriptor is still open and still refers to this file."""
        try:
            found = os.fstat(self._descriptor)
        except OSError:
            return False
        if (found.st_dev, found.st_ino) != self._mark:
            return False
        try:
            # After the file was removed, another file may have its inode number.
            return os.path.samestat(found, os.stat(self._path))
        except PermissionError:  # the process has changed its user since
            return True
        except OSError:
            return False

    def close(self) -> None:
        """Close the descriptor if it still refers to this file."""
        if self.is_open():
            os.close(self._descriptor)
        self._descriptor = -1

    def _open(self) -> None:
        # Do not close the old descriptor: the program may have opened a file under that number.
        flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | getattr(os, "O_BINARY", 0)
        self._descriptor = os.open(self._path, flags, 0o600)
        found = os.fstat(self._descriptor)
        self._mark = found.st_dev, found.st_ino
        if not found.st_size:
            os.write(self._descriptor, self._header())
