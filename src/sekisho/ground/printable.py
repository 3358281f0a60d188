"""Names as they may be printed: a file or a function can be called anything."""

from __future__ import annotations

import json
from typing import Any, Final

__all__ = ["as_command_data", "as_command_property", "as_json", "printable"]

_BYTE: Final = range(0xDC80, 0xDD00)
"""What stands for a byte of a file's name that is not of its encoding."""


def printable(text: str) -> str:
    r"""Escape all that is no character to look at, as Python's strings do.

    What moves a cursor, begins another line, turns the direction of text, or stands for a byte that is
    of no encoding: a terminal, or a log that is searched for commands, is given none of it.

    Examples:
        >>> print(printable("a\x1b[2J\n::error ::b"))
        a\x1b[2J\n::error ::b
        >>> print(printable("é門\udcff"))
        é門\xff
    """
    if text.isprintable():
        return text
    return "".join(each if each.isprintable() else _escaped(each) for each in text)


def _escaped(character: str) -> str:
    number = ord(character)
    if number in _BYTE:
        return f"\\x{number - 0xDC00:02x}"
    return character.encode("unicode_escape").decode("ascii")


def as_json(document: Any) -> str:
    """A document as JSON: readable, UTF-8 can encode it, and a terminal can be given it."""
    text = json.dumps(document, indent=1, ensure_ascii=False)
    if text.replace("\n", "").isprintable():
        return f"{text}\n"
    # Only strings have such characters, and in them an escape means the same.
    kept = (each if each == "\n" or each.isprintable() else json.dumps(each)[1:-1] for each in text)
    return f"{''.join(kept)}\n"


def as_command_data(text: str) -> str:
    """The text of a workflow command, as GitHub Actions escapes it.

    https://docs.github.com/actions/reference/workflow-commands-for-github-actions
    """
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def as_command_property(text: str) -> str:
    """A property of a workflow command, as a file or a title: it ends at a colon or a comma."""
    return as_command_data(text).replace(":", "%3A").replace(",", "%2C")
