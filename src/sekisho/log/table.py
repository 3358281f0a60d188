"""A crossing log as text: with rich if it is installed and requested, otherwise plain."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from sekisho.log.hints import advise, size_text
from sekisho.utils import as_table, columns_of, printable, wrapped

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sekisho.log.broadcast import BroadcastRow
    from sekisho.log.crossing import CrossingKind, Row
    from sekisho.log.crossing_log import CrossingLog
    from sekisho.log.violation import ViolationRow

__all__ = [
    "BROADCASTS",
    "HEADINGS",
    "VIOLATIONS",
    "Cells",
    "broadcasts_of",
    "cells_of",
    "costliest",
    "lines_of",
    "notes_of",
    "place_of",
    "print_log",
    "text_of",
]

HEADINGS: Final[dict[CrossingKind, str]] = {
    "crossing": "crossings",
    "move": "moves between devices",
    "scalar": "numbers of Python's",
    "wait": "waits for a device",
}

VIOLATIONS: Final = 'values that contracts refused, and that passed (violations="warn")'

BROADCASTS: Final = "operations that expand both operands"

_COLUMNS: Final = ("line", "in", "by", "from -> to", "count", "bytes", "ms", "share", "how")
_RIGHT: Final = frozenset({"count", "bytes", "ms", "share"})


class Cells(NamedTuple):
    """The texts of one row of a table."""

    line: str
    function: str
    operation: str
    way: str
    times: str
    nbytes: str
    milliseconds: str
    share: str
    how: str


def place_of(row: Row | ViolationRow | BroadcastRow) -> str:
    """Return the file and line, relative if possible; editors open ``file:line``."""
    path = Path(row.filename)
    try:
        path = path.relative_to(Path.cwd())
    except (ValueError, OSError):  # not below the current folder, or that is gone
        path = Path(*path.parts[-2:])
    return f"{printable(str(path))}:{row.line}"


def cells_of(row: Row, whole: float) -> Cells:
    """Format a row; `whole` is the program's duration, 0.0 if unknown."""
    kind = row.kind
    memory = (
        "" if kind in {"scalar", "wait"} else f"copied: {row.copied}" if row.copied else "shared"
    )
    # Logs of guards and helpers only have declared crossings, so the word would say nothing there.
    declared = "declared" if row.declared and whole else ""
    via = f"by {row.library}" if row.library else ""
    process = f"in {row.process}" if row.process else ""
    notes = [note for note in (memory, declared, via, process) if note]
    return Cells(
        place_of(row),
        printable(row.function),
        printable(row.operation),
        _with_dtypes(row),
        f"{row.count:,}",
        size_text(row.nbytes),
        f"{1000 * row.seconds:,.2f}",
        f"{row.seconds / whole:.1%}" if whole else "",
        printable(", ".join(notes)),
    )


def _with_dtypes(row: Row) -> str:
    dtypes = " -> ".join(filter(None, dict.fromkeys((row.source_dtype, row.dtype))))
    return f"{row.way} ({dtypes})" if dtypes else row.way


def costliest(rows: Iterable[Row], top: int | None) -> tuple[list[Row], int]:
    """Return the slowest rows, in their original order, and the number of the others."""
    rows = list(rows)
    if top is None or len(rows) <= top:
        return rows, 0
    kept = {id(row) for row in sorted(rows, key=lambda row: -row.seconds)[:top]}
    return [row for row in rows if id(row) in kept], len(rows) - top


def _groups(log: CrossingLog, top: int | None) -> list[tuple[str, list[tuple[Cells, str | None]]]]:
    """Return the tables of a log: heading, then each row's cells and hint, with the total last."""
    rows, whole = log.rows, log.seconds
    groups: list[tuple[str, list[tuple[Cells, str | None]]]] = []
    for kind, heading in HEADINGS.items():
        found = [row for row in rows if row.kind == kind]
        shown, left = costliest(found, top)
        if not found:
            continue
        lines: list[tuple[Cells, str | None]] = []
        said: set[tuple[str, int, str | None]] = set()
        for row in shown:
            advice = advise(row)
            # If several rows of a line have the same hint, show it once.
            is_new = (row.filename, row.line, advice) not in said
            said.add((row.filename, row.line, advice))
            lines.append((cells_of(row, whole), advice if is_new else None))
        seconds = sum(row.seconds for row in found)
        total = Cells(
            "total",
            f"{left} more lines" if left else "",
            "",
            "",
            f"{sum(row.count for row in found):,}",
            size_text(sum(row.nbytes for row in found)),
            f"{1000 * seconds:,.2f}",
            f"{seconds / whole:.1%}" if whole else "",
            "",
        )
        groups.append((heading, [*lines, (total, None)]))
    return groups


def lines_of(rows: Iterable[ViolationRow]) -> list[str]:
    """The values that contracts refused: how often, where, and what was wrong with the first."""
    lines: list[str] = []
    for row in rows:
        process = f", in {row.process}" if row.process else ""
        lines.append(f"{place_of(row)}: {row.error}, {row.count:,} x{printable(process)}")
        lines += [f"    {printable(line)}" for line in row.text.splitlines()]
    return lines


def broadcasts_of(rows: Iterable[BroadcastRow]) -> list[str]:
    """The operations that expanded both operands: how often, where, and how to write them."""
    lines: list[str] = []
    for row in rows:
        places = [f"by {row.library}"] * bool(row.library) + [f"in {row.process}"] * bool(
            row.process
        )
        lines += [
            ", ".join([f"{place_of(row)}: {row.operation}", f"{row.count:,} x", *places]),
            f"    in {row.function}: {row.one} and {row.other} give {list(row.shape)}",
            f"    hint: {row.hint}",
        ]
    return [printable(line) for line in lines]


def notes_of(log: CrossingLog) -> list[str]:
    """Return notes: what was looked at if nothing crossed, and which processes are incomplete."""
    notes: list[str] = []
    if not len(log):
        notes.append(f"Nothing crossed. Looked at: {_scope(log)}.")
    for process in log.processes:
        if process.ended:
            notes.append(f"{process.name} (process {process.pid}) {process.ended}.")
        if process.lost:
            notes.append(f"{process.name} (process {process.pid}): {process.lost}.")
    return [printable(note) for note in notes]


def _scope(log: CrossingLog) -> str:
    if not log.is_of_program:
        return (
            "the guards and helpers of sekisho in this thread; "
            "record_crossings(everywhere=True) looks at the whole program"
        )
    number = len(log.processes)
    libraries = dict.fromkeys(name for process in log.processes for name in process.libraries)
    processes = "1 process" if number == 1 else f"{number} processes"
    if not libraries:
        return f"{processes}, in which no library with arrays beside NumPy was imported"
    return f"all that {' and '.join(libraries)} did in {processes}"


def text_of(log: CrossingLog, top: int | None = None, columns: int | None = None) -> str:
    """Return the log as plain text, in lines of at most so many columns."""
    log = log.merged()
    blocks: list[str] = []
    for heading, lines in _groups(log, top):
        heads = [name if name != "line" else heading for name in _COLUMNS]
        rows = [tuple(heads), *(cells for cells, _ in lines)]
        # Leave out columns that are empty in every row.
        used = [i for i in range(len(_COLUMNS)) if any(row[i] for row in rows[1:])]
        right = [at for at, i in enumerate(used) if _COLUMNS[i] in _RIGHT]
        text = as_table([[row[i] for i in used] for row in rows], columns, right)
        rule = "-" * max(len(line) for row in text for line in row)
        block = [*text[0], rule]
        for row_lines, (_, advice) in zip(text[1:], lines, strict=True):
            block += [rule, *row_lines] if row_lines is text[-1] else row_lines
            block += wrapped(f"    hint: {advice}", columns, 10) if advice else []
        blocks.append("\n".join(block))
    if log.violations:
        blocks.append("\n".join([VIOLATIONS, *lines_of(log.violations)]))
    if log.broadcasts:
        blocks.append("\n".join([BROADCASTS, *broadcasts_of(log.broadcasts)]))
    blocks += ["\n".join(notes)] if (notes := notes_of(log)) else []
    return "\n\n".join(blocks)


def print_log(log: CrossingLog, file: Any, top: int | None = None) -> None:
    """Print a log, using rich if it is installed and `file` is a terminal."""
    try:
        rich = file.isatty() and importlib.import_module("rich.console")
    except ImportError:
        rich = None
    if not rich:
        file.write(text_of(log, top, columns_of(file)) + "\n")
        return
    log = log.merged()
    console = rich.Console(file=file)
    table_class: Any = importlib.import_module("rich.table").Table
    for heading, lines in _groups(log, top):
        table = table_class(title_justify="left", row_styles=["", "dim"], show_footer=True)
        total = lines[-1][0]
        for i, name in enumerate(_COLUMNS):
            if any(cells[i] for cells, _ in lines):
                title = heading if name == "line" else name
                justify = "right" if name in _RIGHT else "left"
                table.add_column(title, justify=justify, footer=total[i], overflow="fold")
        used = [i for i in range(len(_COLUMNS)) if any(cells[i] for cells, _ in lines)]
        escape: Any = importlib.import_module("rich.markup").escape
        for cells, advice in lines[:-1]:
            texts = [escape(cells[i]) for i in used]
            if advice:
                texts[-1] += f"\n[italic]hint: {escape(advice)}[/italic]"
            table.add_row(*texts)
        console.print(table)
    refused = [VIOLATIONS, *lines_of(log.violations)] if log.violations else []
    expanded = [BROADCASTS, *broadcasts_of(log.broadcasts)] if log.broadcasts else []
    for line in (*refused, *expanded, *notes_of(log)):
        console.print(line, markup=False)
