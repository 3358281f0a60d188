"""Positions as an editor counts them, and as Python does; and what lines are when a text has changed."""

from __future__ import annotations

import difflib
import re
from typing import Final, NamedTuple

__all__ = ["Edit", "Lines", "Place", "Shift", "edits_between", "with_ends"]

_LINE_END: Final = re.compile(r"\r\n|\n|\r")
_WIDTHS: Final = {"utf-8": ("utf-8", 1), "utf-16": ("utf-16-le", 2), "utf-32": ("utf-32-le", 4)}


class Place(NamedTuple):
    """A position as the protocol counts: both numbers from 0, columns in code units."""

    line: int
    column: int


class Lines:
    """A text by its lines. Only the line ends of the protocol count: `str.splitlines` knows more.

    Attributes:
        texts: the lines, without their ends.
    """

    texts: list[str]

    def __init__(self, text: str, encoding: str = "utf-16") -> None:
        """Split a text; `encoding` is what the client counts columns in."""
        self.texts = _LINE_END.split(text)
        self._text = text
        self._encoding, self._width = _WIDTHS[encoding]

    def at(self, line: int) -> str:
        """Return a line, counted from 0; "" beyond the end."""
        return self.texts[line] if 0 <= line < len(self.texts) else ""

    def characters(self, line: int, units: int) -> int:
        """Return how many characters a column in code units is; a column beyond the end is the end."""
        text = self.at(line)
        if text.isascii():
            return min(max(units, 0), len(text))
        data = text.encode(self._encoding, "surrogatepass")[: max(units, 0) * self._width]
        # Half of a surrogate pair, or of a character in UTF-8, is cut off.
        return len(data.decode(self._encoding, "ignore"))

    def units(self, line: int, characters: int) -> int:
        """Return how many code units some characters at the start of a line are."""
        text = self.at(line)[: max(characters, 0)]
        if text.isascii():
            return len(text)
        return len(text.encode(self._encoding, "surrogatepass")) // self._width

    def from_bytes(self, line: int, column: int) -> int:
        """Return how many characters a column of `ast` is, which counts bytes of UTF-8."""
        text = self.at(line)
        if text.isascii():
            return min(column, len(text))
        data = text.encode("utf-8", "surrogatepass")[:column]
        return len(data.decode("utf-8", "ignore"))

    def to_bytes(self, line: int, characters: int) -> int:
        """Return the column of `ast` behind some characters."""
        return len(self.at(line)[:characters].encode("utf-8", "surrogatepass"))

    def offset(self, place: Place) -> int:
        """Return the index of a place in the text; a place beyond the end is the end."""
        if place.line < 0:
            return 0
        start = 0
        for number, end in enumerate(_LINE_END.finditer(self._text)):
            if number == place.line:
                break
            start = end.end()
        else:
            if place.line >= len(self.texts):
                return len(self._text)
        return start + self.characters(place.line, place.column)


class Shift:
    """Where the lines of a text are in a later one: those before and behind all changes are known.

    A buffer that does not parse keeps its last good reading, whose lines have moved since.
    """

    def __init__(self, before: list[str], after: list[str]) -> None:
        """Compare the lines of two texts."""
        self._delta = len(after) - len(before)
        most = min(len(before), len(after))
        start = 0
        while start < most and before[start] == after[start]:
            start += 1
        end = 0
        while end < most - start and before[-1 - end] == after[-1 - end]:
            end += 1
        self._start, self._end = start, len(before) - end

    @property
    def is_same(self) -> bool:
        """Whether nothing has changed."""
        return self._start == self._end and not self._delta

    def later(self, line: int) -> int | None:
        """Return where a line of the first text is in the second; None if it has changed."""
        if line < self._start:
            return line
        return line + self._delta if line >= self._end else None

    def near(self, line: int) -> int:
        """Return where a line of the second text was in the first, or the last line before all changes."""
        found = self.earlier(line)
        return max(self._start - 1, 0) if found is None else found

    def earlier(self, line: int) -> int | None:
        """Return where a line of the second text was in the first; None if it has changed."""
        if line < self._start:
            return line
        return line - self._delta if line >= self._end + self._delta else None


class Edit(NamedTuple):
    """Lines of a text, from 0, the last one excluded, and what stands in their place."""

    start: int
    end: int
    text: str


def edits_between(before: str, after: str) -> list[Edit]:
    """Return the edits that make one text of another, by whole lines."""
    old, new = with_ends(before), with_ends(after)
    matcher = difflib.SequenceMatcher(None, old, new, autojunk=False)
    return [
        Edit(a, b, "".join(new[c:d])) for tag, a, b, c, d in matcher.get_opcodes() if tag != "equal"
    ]


def with_ends(text: str) -> list[str]:
    """Split a text into lines that keep their ends."""
    parts = re.split(r"(\r\n|\n|\r)", text)
    return ["".join(parts[at : at + 2]) for at in range(0, len(parts), 2)]
