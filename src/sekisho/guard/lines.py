"""Break the tests of a generated function into lines of readable length."""

from __future__ import annotations

import re
from typing import Final

__all__ = ["LINE_LENGTH", "broken"]

LINE_LENGTH: Final = 100


def broken(word: str, pieces: list[str], depth: int) -> list[str]:
    """Return an ``if`` in one line, or in as many as keep it readable.

    Args:
        word: ``if`` or ``elif``.
        pieces: the test, in pieces that may stand in lines of their own.
        depth: how deep the ``if`` is nested.
    """
    line = f"{word} {' '.join(pieces)}:"
    if len(line) <= LINE_LENGTH - 4 * depth:
        return [line]
    width = LINE_LENGTH - 4 * (depth + 1)
    if max(map(len, pieces)) > width:
        pieces = [line for piece in pieces for line in _lines(piece, width)]
    return [f"{word} (", *map("    ".__add__, pieces), "):"]


def _lines(piece: str, width: int) -> list[str]:
    """Break a piece of a test into lines if it is longer than `width`."""
    word, bracket, inside = piece.partition("(")
    if len(piece) <= width or word not in {"", "and ", "or "}:
        return [piece]
    parts: list[str] = []
    for part in re.split(r" (?=and |or )", inside.removesuffix(")")):
        if parts and parts[-1].count("(") > parts[-1].count(")"):  # inside of a nested bracket
            parts[-1] += f" {part}"
        else:
            parts.append(part)
    lines = [line for part in parts for line in _lines(part, width - 4)]
    return [f"{word}{bracket}", *(f"    {each}" for each in lines), ")"]
