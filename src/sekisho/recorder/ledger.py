"""The sums of a process, in a file that outlives it.

Each process of a recorded program has a *ledger* in a common folder: a text file with a line of JSON
for each row, and a file of numbers that is mapped into memory. A crossing adds to the numbers where
they stand; nothing is ever flushed, sent or saved at exit. So what a process has counted is there
however it ends (the kernel keeps a shared mapping of a process that was killed), and whoever reads
the folder needs no word with those who write.

Each thread adds to rows of its own: no lock is taken, and no addition is lost.
"""

from __future__ import annotations

import contextlib
import json
import mmap
import os
import sys
import threading
import time
from typing import TYPE_CHECKING, Any, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

__all__ = ["Ledger", "Slot"]

CHUNK: Final = 1024
"""Rows a mapped file holds."""

MOST_ROWS: Final = 100_000
"""Beyond so many rows a process writes one more, for all others: its memory is bounded."""

_WIDTH: Final = 8


class Slot(NamedTuple):
    """Where the sums of a row stand: four columns, and the place in each."""

    counts: memoryview
    nbytes: memoryview
    seconds: memoryview[float]
    repeats: memoryview
    at: int


class Ledger:
    """What one process writes. Made by `Ledger.open`, which returns None where nothing can be written."""

    def __init__(self, folder: Path, describe: Callable[[], dict[str, Any]]) -> None:
        self._describe = describe
        self._is_described = False
        self._lock = threading.Lock()
        self._path = folder / f"{os.getpid()}-{time.time_ns()}"
        flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND
        self._text = os.open(self._path.with_suffix(".rows"), flags, 0o600)
        self._columns: tuple[memoryview, memoryview, memoryview[float], memoryview]
        self._rows = 0
        self._write(
            {"pid": os.getpid(), "parent": os.getppid(), "begun": time.time(), "argv": sys.argv[:1]}
        )

    @classmethod
    def open(cls, folder: Path, describe: Callable[[], dict[str, Any]]) -> Ledger | None:
        """Begin a ledger; None if the folder is gone, or full: the program is to go on.

        Args:
            folder: where the processes of a program write.
            describe: what is to be said of this process, asked when it first has something to say:
                a worker has its name only then.
        """
        try:
            return cls(folder, describe)
        except OSError:
            return None

    def _write(self, line: dict[str, Any]) -> None:
        # One write a line, in append mode: no line is torn, but the last one of who is killed in it.
        with contextlib.suppress(OSError):
            os.write(self._text, (json.dumps(line) + "\n").encode())

    def _describe_once(self) -> None:
        if not self._is_described:
            self._is_described = True
            self._write(self._describe())

    def add_row(self, row: dict[str, Any]) -> Slot | None:
        """Begin a row; None if there is no room for its sums."""
        with self._lock:
            self._describe_once()
            if self._rows >= MOST_ROWS:
                return None
            number, index = divmod(self._rows, CHUNK)
            if index == 0:
                try:
                    self._columns = self._map(number)
                except (OSError, ValueError):
                    return None
            self._write({"slot": self._rows, **row})
            self._rows += 1
            return Slot(*self._columns, index)

    def _map(self, number: int) -> tuple[memoryview, memoryview, memoryview[float], memoryview]:
        size = 4 * CHUNK * _WIDTH
        path = self._path.with_suffix(f".{number}.sums")
        # Written, not only sized: a page that has no room on the disk is an error here, not a signal later.
        path.write_bytes(bytes(size))
        with path.open("r+b") as file:
            whole = memoryview(mmap.mmap(file.fileno(), size))
        a, b, c, d = (whole[i * CHUNK * _WIDTH : (i + 1) * CHUNK * _WIDTH] for i in range(4))
        return a.cast("q"), b.cast("q"), c.cast("d"), d.cast("q")

    def add_event(self, event: dict[str, Any]) -> None:
        """Write one crossing by itself."""
        self._write({"event": event})

    def note(self, **facts: Any) -> None:
        """Write something about the process."""
        self._write(facts)

    def end(self) -> None:
        """Write that the process has come to its end by itself."""
        with self._lock:
            self._describe_once()
        self._write({"ended": time.time()})

    def close(self) -> None:
        """Let go of the file; what is mapped goes with the last row."""
        with contextlib.suppress(OSError):
            os.close(self._text)
