"""The sums of a process, in files that outlive it.

Each process of a recorded program has a *ledger* in a common folder: a text file with a line of
JSON per row, and a file of numbers that is mapped into memory. A crossing adds to the numbers in
place; nothing is flushed, sent or saved at exit. So the counts survive however the process ends
(the kernel keeps a shared mapping of a killed process), and a reader of the folder need not
communicate with the writers.

Each thread adds to its own rows, so no lock is needed and no addition is lost.
"""

from __future__ import annotations

import json
import mmap
import os
import sys
import threading
import time
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from sekisho.utils import LineFile

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

__all__ = ["CHUNK", "UNRECORDED", "Ledger", "Slot"]

CHUNK: Final = 1024
"""Number of rows in a mapped file."""

MOST_ROWS: Final = 100_000
"""Maximum number of rows of a process, which limits its memory. Later rows are not counted."""

UNRECORDED: Final = 0
"""The slot whose count is the number of forked children that could not open a ledger of their own."""

_WIDTH: Final = 8
_HAS_DESCRIPTORS: Final = sys.version_info < (3, 13)


class Slot(NamedTuple):
    """Where the sums of a row are: four columns, and the index into each."""

    counts: memoryview
    nbytes: memoryview
    seconds: memoryview[float]
    repeats: memoryview
    at: int


class Ledger:
    """The files that one process writes. Create it with `Ledger.open`."""

    def __init__(self, folder: Path, describe: Callable[[], dict[str, Any]]) -> None:
        self._describe = describe
        self._is_described = False
        self._lock = threading.Lock()
        self._path = folder / f"{os.getpid()}-{time.time_ns()}"
        self._begun = time.time()
        self._times = 0
        self._text = LineFile(str(self._path.with_suffix(".rows")), self._header)
        self._maps: list[mmap.mmap] = []
        # Map now, before the program can change its user or its root.
        self._columns: tuple[memoryview, memoryview, memoryview[float], memoryview] = self._map(0)
        self._unrecorded = self._columns[0]
        self._rows = UNRECORDED + 1

    @classmethod
    def open(cls, folder: Path, describe: Callable[[], dict[str, Any]]) -> Ledger | None:
        """Create a ledger; None if the folder is gone or full, since the program must go on.

        Args:
            folder: the common folder of the program's processes.
            describe: returns facts about this process. Called at the first row, because a worker
                has its name only then.
        """
        try:
            return cls(folder, describe)
        except OSError:
            return None

    def _header(self) -> bytes:
        """Return the first lines: the process, and a note about losses if the file is recreated."""
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
        """Add a row and return where its sums are; None if there is no room for them."""
        with self._lock:
            self._describe_once()
            if self._rows >= MOST_ROWS:
                return None
            number, index = divmod(self._rows, CHUNK)
            # The first file is mapped in `__init__`.
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
        # Write zeros rather than only set the size: a full disk then raises here, and not as a
        # signal at a later write to the memory.
        path.write_bytes(bytes(size))
        with path.open("r+b") as file:
            mapped = _map_file(file.fileno(), size)
        self._maps.append(mapped)
        whole = memoryview(mapped)
        a, b, c, d = (whole[i * CHUNK * _WIDTH : (i + 1) * CHUNK * _WIDTH] for i in range(4))
        return a.cast("q"), b.cast("q"), c.cast("d"), d.cast("q")

    def note_unrecorded(self) -> None:
        """Count a child of this process that cannot be recorded; the child calls it.

        The map is shared with the child, so that this works without a descriptor, a permission or room on
        the disk.
        """
        self._unrecorded[UNRECORDED] += 1

    def add_event(self, event: dict[str, Any]) -> None:
        """Write a single crossing."""
        self._write({"event": event})

    def note(self, **facts: Any) -> None:
        """Write facts about the process."""
        self._write(facts)

    def end(self) -> None:
        """Write that the process has ended by itself."""
        with self._lock:
            self._describe_once()
        self._write({"ended": time.time()})
        self._keep_maps()

    def close(self) -> None:
        """Close the file; a map is freed with the last row that refers to it."""
        self._keep_maps()
        self._text.close()

    def _keep_maps(self) -> None:
        """Keep the maps alive forever, if the program has closed descriptors that are not its own.

        Before Python 3.13 a map also owns a descriptor and closes it when it is freed. By then,
        that number may belong to a file of the program.
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
