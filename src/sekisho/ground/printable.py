"""Escape names for printing: a file or a function can have any name."""

from __future__ import annotations

import json
from typing import Any, Final

__all__ = ["as_command_data", "as_command_property", "as_json", "printable"]

_BYTE: Final = range(0xDC80, 0xDD00)
"""The surrogates with which `os.fsdecode` represents bytes that it cannot decode."""


def printable(text: str) -> str:
    r"""Escape every character that is not printable, as Python's `repr` does.

    Such characters move the cursor, start a new line, change the direction of text or stand for an
    undecodable byte. They must not reach a terminal, or a CI log that is scanned for commands.

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
    """Return a document as JSON that is readable, valid UTF-8 and safe to print in a terminal."""
    text = json.dumps(document, indent=1, ensure_ascii=False)
    if text.replace("\n", "").isprintable():
        return f"{text}\n"
    # Such characters only occur inside JSON strings, where an escape means the same character.
    kept = (each if each == "\n" or each.isprintable() else json.dumps(each)[1:-1] for each in text)
    return f"{''.join(kept)}\n"


def as_command_data(text: str) -> str:
    """Escape the text of a GitHub Actions workflow command.

    https://docs.github.com/actions/reference/workflow-commands-for-github-actions
    """
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def as_command_property(text: str) -> str:
    """Escape a property of a workflow command, such as a file: ``:`` and ``,`` end it."""
    return as_command_data(text).replace(":", "%3A").replace(",", "%2C")
