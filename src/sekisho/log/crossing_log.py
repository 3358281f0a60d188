"""The crossing log: sums by line, and the first crossings one by one."""

from __future__ import annotations

import sys
from collections import Counter
from typing import TYPE_CHECKING, Any, Final

from sekisho.log.broadcast import BroadcastRow
from sekisho.log.crossing import SUMS, Crossing, Key, Process, Row, key_of
from sekisho.log.violation import ViolationRow
from sekisho.utils import counted

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator

__all__ = ["KEEP", "KEEP_OF_PROGRAM", "CrossingLog"]

KEEP: Final = 10_000
"""Default number of crossings that a log keeps one by one."""

KEEP_OF_PROGRAM: Final = 1_000
"""The same for each process of a recorded program. It is smaller, because writing takes time."""


class CrossingLog:
    """The crossings in a ``with record_crossings()`` block, as sums by line in `rows`.

    The first crossings are also kept one by one; iteration yields these in the order they happened.
    The size of a log depends on the size of the program, not on how long it runs. ``len(log)`` is
    the number of all crossings, kept or not. Beside them it has the `violations`: the values that contracts
    refused and that passed; and the `broadcasts`: operations that expanded both operands, if they were recorded.

    ``print(log)`` shows a table by file and line, as does a notebook. Logs can be added: ``log +
    other_log``, such as those of several workers.

    Args:
        crossings: the initial crossings.
        keep: how many crossings to keep one by one.
    """

    def __init__(self, crossings: Iterable[Crossing] = (), *, keep: int = KEEP) -> None:
        self.keep = keep
        self._processes: tuple[Process, ...] = ()
        self._events: list[Crossing] = []
        self._sums: dict[Key, list[Any]] = {}
        self._violations: dict[ViolationRow, int] = {}
        self._broadcasts: dict[Any, BroadcastRow] = {}
        self._source: Callable[[], CrossingLog] | None = None
        for each in crossings:
            self.append(each)

    def append(self, crossing: Crossing) -> None:
        """Add one crossing."""
        self._add(key_of(crossing), 1, crossing.nbytes, crossing.seconds, 0)
        self.add_event(crossing)

    def _add(self, key: Key, *sums: Any) -> None:
        held = self._sums.setdefault(key, [0, 0, 0.0, 0])
        for i, each in enumerate(sums):
            held[i] += each

    def add_row(self, row: Row) -> None:
        """Add the sum of crossings that are not known one by one."""
        self._add(tuple(row[: -len(SUMS)]), *row[-len(SUMS) :])

    def add_violations(self, row: ViolationRow) -> None:
        """Add values that a contract refused, and that passed."""
        key = row._replace(count=0)
        self._violations[key] = self._violations.get(key, 0) + row.count

    def add_broadcasts(self, row: BroadcastRow) -> None:
        """Add operations that expanded both operands."""
        known = self._broadcasts.get(row.place)
        self._broadcasts[row.place] = row if known is None else known.plus(row)

    def add_event(self, crossing: Crossing) -> None:
        """Keep one crossing, already counted in a row, if the limit is not reached."""
        if len(self._events) < self.keep:
            self._events.append(crossing)

    def fill_from(self, source: Callable[[], CrossingLog] | None) -> None:
        """Read another log on each access; with None, keep the present contents from now on."""
        if source is None:
            self._look()
        self._source = source

    def _look(self) -> None:
        if self._source is not None:
            now = self._source()
            self._events, self._sums = now._events, now._sums  # noqa: SLF001 - of the same class
            self._processes = now._processes  # noqa: SLF001 - of the same class
            self._violations = now._violations  # noqa: SLF001 - of the same class
            self._broadcasts = now._broadcasts  # noqa: SLF001 - of the same class

    @property
    def rows(self) -> list[Row]:
        """The sums, sorted by process, file and line."""
        self._look()
        found = (Row(*key, *sums) for key, sums in tuple(self._sums.items()))
        return sorted(found, key=lambda row: (row.process, row.filename, row.line))

    @property
    def violations(self) -> list[ViolationRow]:
        """The values that contracts refused and that passed (``violations="warn"``), by place."""
        self._look()
        found = (key._replace(count=count) for key, count in tuple(self._violations.items()))
        return sorted(found, key=lambda row: (row.process, row.filename, row.line))

    @property
    def broadcasts(self) -> list[BroadcastRow]:
        """The operations that expanded both operands, by line, if the recording asked for them."""
        self._look()
        found = [row for row in tuple(self._broadcasts.values()) if row.count and not row.others]
        return sorted(found, key=lambda row: (row.process, row.filename, row.line))

    @property
    def processes(self) -> tuple[Process, ...]:
        """The processes of a recorded program, main process first; empty for other logs."""
        self._look()
        return self._processes

    @processes.setter
    def processes(self, processes: tuple[Process, ...]) -> None:
        self._processes = processes

    @property
    def nbytes(self) -> int:
        """The number of bytes of all crossings, shared or copied."""
        self._look()
        return sum(sums[1] for sums in tuple(self._sums.values()))

    @property
    def seconds(self) -> float:
        """How long the recorded program ran; 0.0 for other logs."""
        processes = self.processes
        return processes[0].seconds if processes else 0.0

    @property
    def is_of_program(self) -> bool:
        """Whether the log covers a whole program, not only guards and helpers."""
        return bool(self.processes)

    def __len__(self) -> int:
        self._look()
        return sum(sums[0] for sums in tuple(self._sums.values()))

    def __iter__(self) -> Iterator[Crossing]:
        self._look()
        return iter(tuple(self._events))

    def __getitem__(self, index: int) -> Crossing:
        self._look()
        return self._events[index]

    def __add__(self, other: CrossingLog) -> CrossingLog:
        both = CrossingLog(keep=max(self.keep, other.keep))
        for log in (self, other):
            for row in log.rows:
                both.add_row(row)
            for violation in log.violations:
                both.add_violations(violation)
            for broadcast in log._broadcasts.values():
                both.add_broadcasts(broadcast)
            both._events += log
            both.processes += log.processes
        del both._events[both.keep :]
        return both

    def since(self, earlier: CrossingLog) -> CrossingLog:
        """Return what this log has in addition to an earlier state of itself."""
        later = CrossingLog(keep=self.keep)
        before = earlier._sums
        for key, sums in self._sums.items():
            rest = [a - b for a, b in zip(sums, before.get(key, (0, 0, 0.0, 0)), strict=True)]
            if rest[0]:
                later._add(key, *rest)
        for refused in self.violations:
            count = refused.count - earlier._violations.get(refused._replace(count=0), 0)
            if count:
                later.add_violations(refused._replace(count=count))
        for each in self._broadcasts.values():
            known = earlier._broadcasts.get(each.place)
            later.add_broadcasts(each if known is None else each.minus(known))
        seen = Counter(earlier._events)  # events of other processes may come in between
        for event in self._events:
            if seen[event]:
                seen[event] -= 1
            else:
                later.add_event(event)
        later.processes = self.processes
        return later

    def without_broadcasts(self) -> CrossingLog:
        """Remove the operations that expanded both operands, which another log asked for."""
        self._broadcasts = {}
        return self

    def merged(self) -> CrossingLog:
        """Return the log with one row where rows differ only by process, as it is shown."""
        alike: dict[Row, list[Row]] = {}
        for row in self.rows:
            key = row._replace(process="", count=0, nbytes=0, seconds=0.0, repeats=0)
            alike.setdefault(key, []).append(row)
        log = CrossingLog()
        log.processes = self.processes
        for rows in alike.values():
            process = rows[0].process if len(rows) == 1 else f"{len(rows)} processes"
            for row in rows:
                log.add_row(row._replace(process=process))
        for refused in self.violations:
            log.add_violations(refused)
        for each in self._broadcasts.values():
            log.add_broadcasts(each)
        return log

    def to_records(self) -> list[dict[str, Any]]:
        """Return the kept crossings as dicts, for ``pandas.DataFrame(log.to_records())``."""
        return [crossing._asdict() for crossing in self]

    def to_dict(self) -> dict[str, Any]:
        """Return everything as plain data, as ``--json`` writes it; see docs/crossings.md."""
        from sekisho.log.hints import advise  # noqa: PLC0415 - importing sekisho stays light

        rows = self.rows
        return {
            "crossings": [{**row.to_dict(), "hint": advise(row)} for row in rows],
            "violations": [row.to_dict() for row in self.violations],
            "broadcasts": [row.to_dict() for row in self.broadcasts],
            "seconds": self.seconds,
            "processes": [process._asdict() for process in self.processes],
            "events": [{**event._asdict(), "kind": event.kind} for event in self],
        }

    def __str__(self) -> str:
        from sekisho.log.table import text_of  # noqa: PLC0415 - importing sekisho stays light

        return text_of(self)

    def print(self, file: Any = None, top: int | None = None) -> None:
        """Print the log, using rich if it is installed and `file` is a terminal.

        Args:
            file: the output file; None for standard output.
            top: show only so many lines of each kind, those that took the longest; None for all.
        """
        from sekisho.log.table import print_log  # noqa: PLC0415 - importing sekisho stays light

        print_log(self, sys.stdout if file is None else file, top)

    def to_annotations(self, failed: Collection[Row] = ()) -> list[str]:
        """Return an annotation for GitHub Actions per row; rows in `failed` become errors."""
        from sekisho.log.annotate import annotations_of  # noqa: PLC0415 - keeps imports light

        return annotations_of(self, failed)

    def __repr__(self) -> str:
        return f"<CrossingLog of {counted(len(self), 'crossing')} at {counted(len(self.rows), 'line')}>"

    def _repr_html_(self) -> str:
        from sekisho.log.page import table_of  # noqa: PLC0415 - importing sekisho stays light

        return table_of(self)

    def to_html(self) -> str:
        """Return a self-contained HTML page: a picture of the flow, the table, the source lines."""
        from sekisho.log.page import page_of  # noqa: PLC0415 - importing sekisho stays light

        return page_of(self)

    def to_mermaid(self) -> str:
        """Draw the crossings as a Mermaid flowchart (https://mermaid.js.org).

        Functions are boxes in their world. Helpers and boundaries are outside of the worlds, and
        each crossing is a labelled arrow.
        """
        from sekisho.log.chart import mermaid_of  # noqa: PLC0415 - importing sekisho stays light

        return mermaid_of(self)
