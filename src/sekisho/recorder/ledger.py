"""The sums of a process, in a file that outlives it.

Each process of a recorded program has a *ledger* in a common folder: a text file with a line of JSON
for each row, and a file of numbers that is mapped into memory. A crossing adds to the numbers where
they stand; nothing is ever flushed, sent or saved at exit. So what a process has counted is there
however it ends (the kernel keeps a shared mapping of a process that was killed), and whoever reads
the folder needs no word with those who write.

Each thread adds to rows of its own: no lock is taken, and no addition is lost.
"""

from __future__ import annotations

import json
import mmap
import os
import sys
import threading
import time
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from sekisho.ground import LineFile

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

__all__ = ["Ledger", "Slot"]

CHUNK: Final = 1024
"""Rows a mapped file holds."""

MOST_ROWS: Final = 100_000
"""Beyond so many rows a process writes one more, for all others: its memory is bounded."""

_WIDTH: Final = 8
_HAS_DESCRIPTORS: Final = sys.version_info < (3, 13)


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
        self._begun = time.time()
        self._times = 0
        self._text = LineFile(str(self._path.with_suffix(".rows")), self._header)
        self._maps: list[mmap.mmap] = []
        # Mapped before the program can change its user or its root.
        self._columns: tuple[memoryview, memoryview, memoryview[float], memoryview] = self._map(0)
        self._rows = 0

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

    def _header(self) -> bytes:
        """Who writes; and, if the file has to be begun again, that something is missing."""
        who = {"pid": os.getpid(), "parent": os.getppid(), "begun": self._begun}
        lines: list[dict[str, Any]] = [{**who, "argv": sys.argv[:1]}]
        if self._times:
            lines += [{"lost": "its file was removed while it ran"}, self._describe()]
        self._times += 1
        return b"".join(_line(each) for each in lines)

    def _write(self, line: dict[str, Any]) -> None:
        if self._text.lost and self._text.write(_line({"lost": "some lines could not be written"})):
            self._text.lost = 0
        self._text.write(_line(line))

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
            if index == 0 and number > 0:
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
            mapped = _map_file(file.fileno(), size)
        self._maps.append(mapped)
        whole = memoryview(mapped)
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
        self._keep_maps()

    def close(self) -> None:
        """Let go of the file; what is mapped goes with the last row."""
        self._keep_maps()
        self._text.close()

    def _keep_maps(self) -> None:
        """Keep what is mapped for ever, if the program has closed descriptors that were not its own.

        Before Python 3.13 a map has a descriptor, too, and closes it when it goes: by now that number
        may be the program's.
        """
        if _HAS_DESCRIPTORS and not self._text.is_open() and self._maps:
            import ctypes  # noqa: PLC0415 - rarely needed

            for each in self._maps:
                ctypes.pythonapi.Py_IncRef(ctypes.py_object(each))
            self._maps.clear()


def _line(facts: dict[str, Any]) -> bytes:
    return (json.dumps(facts) + "\n").encode()


def _map_file(descriptor: int, size: int) -> mmap.mmap:
    if _HAS_DESCRIPTORS:
        return mmap.mmap(descriptor, size)
    options: dict[str, Any] = {"trackfd": False}
    return mmap.mmap(descriptor, size, **options)
