"""Tables that fit a terminal: what is too wide goes on in the next line, and nothing is cut off."""

from __future__ import annotations

import shutil
import textwrap
from itertools import zip_longest
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

__all__ = ["as_table", "columns_of", "wrapped"]

_GAP: Final = "  "
_LEAST: Final = 8
"""Characters below which a column is not folded: a narrower one cannot be read."""


def columns_of(stream: Any) -> int | None:
    """Return how many characters a line of a stream has; None if it is no terminal, but a file or a pipe."""
    return shutil.get_terminal_size().columns if stream.isatty() else None


def wrapped(line: str, columns: int | None, indent: int) -> list[str]:
    """Return a line as several that fit; all but the first are indented."""
    if columns is None or len(line) <= columns:
        return [line]
    lines = textwrap.wrap(
        line,
        max(columns, indent + _LEAST),
        subsequent_indent=" " * indent,
        replace_whitespace=False,
        break_on_hyphens=False,  # or `->` would be torn
    )
    return lines or [line]


def as_table(
    rows: Sequence[Sequence[str]], columns: int | None = None, right: Collection[int] = ()
) -> list[list[str]]:
    """Align the cells of a table, and fold those that are too wide.

    Args:
        rows: the texts of the cells; all rows have as many.
        columns: characters of a line; None if there is no limit.
        right: the columns that are aligned to the right.

    Returns:
        Of each row its lines.
    """
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    if columns is not None:
        _narrow(widths, columns - len(_GAP) * (len(widths) - 1))
    return [_folded(row, widths, right) for row in rows]


def _narrow(widths: list[int], columns: int) -> None:
    """Make the widest columns narrower, until all fit or none can be narrower."""
    while sum(widths) > columns and max(widths) > _LEAST:
        at = widths.index(max(widths))
        widths[at] -= 1


def _folded(row: Sequence[str], widths: list[int], right: Collection[int]) -> list[str]:
    pieces = [
        [text] if len(text) <= width else _broken(text, width)
        for text, width in zip(row, widths, strict=True)
    ]
    return [
        _GAP.join(
            text.rjust(width) if index in right else text.ljust(width)
            for index, (text, width) in enumerate(zip(line, widths, strict=True))
        ).rstrip()
        for line in zip_longest(*pieces, fillvalue="")
    ]


def _broken(text: str, width: int) -> list[str]:
    return textwrap.wrap(text, width, break_on_hyphens=False)
