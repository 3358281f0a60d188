"""Read a folder of ledgers as one crossing log."""

from __future__ import annotations

import contextlib
import json
import os
import struct
import time
from typing import TYPE_CHECKING, Any, Final, TypeVar

from sekisho.log import MAIN, SUMS, BroadcastRow, Crossing, CrossingLog, Process, Row, ViolationRow
from sekisho.recorder.ledger import CHUNK, UNRECORDED

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

__all__ = ["MARK", "mark_unrecorded", "read_folder"]

MARK: Final = "recording"
"""A marker file of one byte. If it is missing, the folder was removed while the program ran; if it is
not zero, a process could not be recorded."""

_UNRECORDED: Final = "a process could not be recorded: no file could be written"
_REMOVED: Final = "the folder of the recording was removed while the program ran"


_OTHERS: Final = frozenset({"violation", "broadcast"})
"""The kinds of rows that are not of crossings."""

R = TypeVar("R", Row, ViolationRow, BroadcastRow)


def read_folder(
    folder: Path, keep: int, *, main: int | None = None, root: int | None = None
) -> CrossingLog:
    """Read what all processes have written so far.

    Args:
        folder: the folder of the ledgers.
        keep: how many crossings the log keeps one by one for each process.
        main: pid of the main process; None for the process that began first.
        root: pid of a process, to read only itself and its descendants; None for all.
    """
    ledgers = sorted(map(_Reader, folder.glob("*.rows")), key=lambda ledger: ledger.begun)
    if root is not None:
        family = {root}
        for ledger in ledgers:  # parents begin before their children
            family |= {ledger.pid} if ledger.parent in family else set()
        ledgers = [ledger for ledger in ledgers if ledger.pid in family]
    # Each process has kept up to `keep` crossings.
    log = CrossingLog(keep=keep * max(len(ledgers), 1))
    names: dict[int, str] = {}
    pid = main if main is not None else next((ledger.pid for ledger in ledgers), None)
    processes: list[Process] = []
    for ledger in ledgers:
        # Ledgers with the same pid share one name.
        name = names.get(ledger.pid) or _unused(
            MAIN if ledger.pid == pid else ledger.name, set(names.values())
        )
        names[ledger.pid] = name
        shown = "" if name == MAIN else name
        for row in ledger.rows():
            log.add_row(row._replace(process=shown))
        for violation in ledger.violations():
            log.add_violations(violation._replace(process=shown))
        for broadcast in ledger.broadcasts():
            log.add_broadcasts(broadcast._replace(process=shown))
        for event in ledger.events():
            log.add_event(event._replace(process=shown))
        processes.append(ledger.process(name))
    state = _bytes_of(folder / MARK)
    if state != b"\0":
        begun = next(
            (each for each in processes if each.name == MAIN), Process(MAIN, pid or 0, 0.0)
        )
        others = [each for each in processes if each.name != MAIN]
        processes = [begun._replace(lost=_UNRECORDED if state else _REMOVED), *others]
    log.processes = tuple(sorted(processes, key=lambda process: process.name != MAIN))
    return log


def mark_unrecorded(folder: Path) -> None:
    """Note that this process cannot be recorded; the byte has its room on the disk already."""
    with contextlib.suppress(OSError), (folder / MARK).open("r+b") as file:
        file.write(b"\1")


def _unused(name: str, names: set[str]) -> str:
    number, found = 1, name
    while found in names:
        number += 1
        found = f"{name} ({number})"
    return found


class _Reader:
    """The ledger of one process."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lines = list(_lines_of(path))
        self._is_damaged = False
        facts: dict[str, Any] = {}
        for line in self._lines:
            if "slot" not in line and "event" not in line:
                facts |= line
        self.pid: int = facts.get("pid", 0)
        self.parent: int = facts.get("parent", 0)
        self.begun: float = facts.get("begun", 0.0)
        self.name: str = facts.get("name") or f"process {self.pid}"
        self._facts = facts
        if not self.pid:  # the header is written with the file
            self._is_damaged = True

    def rows(self) -> Iterator[Row]:
        for line, sums in self._counted():
            if line.keys().isdisjoint(_OTHERS):
                fields: dict[str, Any] = {**line, **dict(zip(SUMS, sums, strict=True))}
                del fields["slot"]
                yield from self._made(Row, fields)

    def violations(self) -> Iterator[ViolationRow]:
        for line, sums in self._counted():
            if "violation" in line:
                yield from self._made(ViolationRow, {**line["violation"], "count": sums[0]})

    def broadcasts(self) -> Iterator[BroadcastRow]:
        for line, sums in self._counted():
            if "broadcast" in line:
                fields = {**line["broadcast"], "count": sums[0], "others": sums[1]}
                for row in self._made(BroadcastRow, fields):
                    yield row._replace(shape=tuple(row.shape))

    def _made(self, cls: type[R], fields: dict[str, Any]) -> Iterator[R]:
        """Yield a row, unless the program has damaged its line."""
        try:
            yield cls(**fields)
        except TypeError:
            self._is_damaged = True

    def _counted(self) -> Iterator[tuple[dict[str, Any], tuple[int, int, float, int]]]:
        """The lines that have sums, with them, if there is anything to count."""
        chunks: dict[int, bytes] = {}
        for line in self._lines:
            if "slot" in line:
                number, index = divmod(line["slot"], CHUNK)
                if number not in chunks:
                    chunks[number] = _bytes_of(self._path.with_suffix(f".{number}.sums"))
                sums = _sums(chunks[number], index)
                if any(sums):
                    yield line, sums

    def _has_nameless_sums(self) -> bool:
        """Return whether sums exist without a row: the disk was full, or the file was removed."""
        known = {UNRECORDED, *(line["slot"] for line in self._lines if "slot" in line)}
        number = 0
        while chunk := _bytes_of(self._path.with_suffix(f".{number}.sums")):
            slots = range(number * CHUNK, (number + 1) * CHUNK)
            if any(slot not in known and _sums(chunk, slot % CHUNK)[0] for slot in slots):
                return True
            number += 1
        return False

    def events(self) -> Iterator[Crossing]:
        for line in self._lines:
            if "event" in line:
                try:
                    event = Crossing(**line["event"])
                except TypeError:
                    self._is_damaged = True
                    continue
                yield event._replace(shape=tuple(event.shape))

    def process(self, name: str) -> Process:
        ended: float = self._facts.get("ended", 0.0)
        is_alive = not ended and _is_alive(self.pid)
        # A killed process has written no end, so use the time of its last line.
        last = ended or (time.time() if is_alive else _changed(self._path))
        how = "" if ended or is_alive else "was killed, or ended by os._exit"
        libraries = tuple(self._facts.get("libraries", ()))
        lost: str = self._facts.get("lost", "")
        unrecorded = _sums(_bytes_of(self._path.with_suffix(".0.sums")), UNRECORDED)[0]
        if unrecorded:
            several = unrecorded > 1
            lost = f"{unrecorded} forked process{'es' * several} could not be recorded"
        if not lost and self._has_nameless_sums():
            lost = "some lines could not be written"
        if self._is_damaged:
            lost = "its file was damaged while it ran"
        return Process(name, self.pid, max(last - self.begun, 0.0), how, libraries, lost)


def _lines_of(path: Path) -> Iterator[dict[str, Any]]:
    for text in _bytes_of(path).splitlines():
        with contextlib.suppress(ValueError):  # a line cut off when the process was killed
            line = json.loads(text)
            if isinstance(line, dict):
                yield line


def _bytes_of(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:
        return b""


def _sums(chunk: bytes, index: int) -> tuple[int, int, float, int]:
    # The columns of `Slot`, one after the other, with 8 bytes per number.
    column = CHUNK * 8
    if len(chunk) < 4 * column:
        return 0, 0, 0.0, 0
    count, nbytes, seconds, repeats = (
        struct.unpack_from(code, chunk, i * column + index * 8)[0] for i, code in enumerate("qqdq")
    )
    return count, nbytes, seconds, repeats


def _is_alive(pid: int) -> bool:
    try:
        # Signal 0 is not delivered; it only checks that the process exists.
        os.kill(pid, 0)
    except OSError:
        return False
    return True


def _changed(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except OSError:
        return 0.0
