"""A crossing log as annotations of a code host, which a review shows in the source code."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sekisho.log.hints import advise
from sekisho.log.table import cells_of, place_of
from sekisho.utils import as_command_data, as_command_property

if TYPE_CHECKING:
    from collections.abc import Collection

    from sekisho.log.crossing import Row
    from sekisho.log.crossing_log import CrossingLog

__all__ = ["annotations_of"]


def annotations_of(log: CrossingLog, failed: Collection[Row]) -> list[str]:
    """Return a GitHub Actions workflow command per row: errors for `failed` rows, else notices.

    https://docs.github.com/actions/reference/workflow-commands-for-github-actions
    """
    log = log.merged()
    lines: list[str] = []
    for row in log.rows:
        if row.kind in {"scalar", "wait"} and row not in failed:
            continue
        cells, advice = cells_of(row, log.seconds), advise(row)
        level = "error" if row in failed else "notice"
        path = place_of(row).rpartition(":")[0]
        text = (
            f"{cells.operation} in {cells.function}: {cells.way}, {cells.times} x, {cells.nbytes}"
        )
        text = ", ".join(filter(None, (text, cells.how)))
        text += f"\nhint: {advice}" if advice else ""
        place = f"file={as_command_property(path)},line={row.line},title={as_command_property(cells.way)}"
        lines.append(f"::{level} {place}::{as_command_data(text)}")
    for violation in log.violations:
        path = place_of(violation).rpartition(":")[0]
        place = f"file={as_command_property(path)},line={violation.line},title={violation.error}"
        text = f"{violation.text}\n{violation.count:,} x"
        lines.append(f"::warning {place}::{as_command_data(text)}")
    for each in log.broadcasts:
        path = place_of(each).rpartition(":")[0]
        place = f"file={as_command_property(path)},line={each.line},title=expands both operands"
        text = f"{each.operation}: {each.one} and {each.other} give {list(each.shape)}, {each.count:,} x\n"
        lines.append(f"::warning {place}::{as_command_data(text + f'hint: {each.hint}')}")
    return lines
