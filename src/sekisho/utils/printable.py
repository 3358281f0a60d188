"""Escape names for printing: a file or a function can have any name."""

from __future__ import annotations

import json
import unicodedata
from html import escape
from typing import Any, Final

__all__ = [
    "as_command_data",
    "as_command_property",
    "as_html",
    "as_json",
    "as_toml",
    "counted",
    "printable",
]

_BYTE: Final = range(0xDC80, 0xDD00)
"""The surrogates with which `os.fsdecode` represents bytes that it cannot decode."""

_SURROGATES: Final = range(0xD800, 0xE000)


def counted(count: int, noun: str) -> str:
    """Return a number of things: ``1 file``, ``1,200 files``."""
    return f"{count:,} {noun}{'s' * (count != 1)}"


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


def as_html(text: str) -> str:
    r"""Escape a piece of text, such as a name or a line of source code, for an HTML page.

    Characters that would be invisible, reorder the text or be invalid in HTML are shown as escapes.
    Tabs and all kinds of spaces stay, because source code is full of them.

    Examples:
        >>> print(as_html("a\x1b[2J <\u202e>\u3000b"))
        a\x1b[2J &lt;\u202e&gt;　b
    """
    if not text.isprintable():
        text = "".join(each if _is_shown(each) else _escaped(each) for each in text)
    return escape(text)


def _is_shown(character: str) -> bool:
    return character.isprintable() or character == "\t" or unicodedata.category(character) == "Zs"


def as_toml(text: str) -> str:
    r"""Return a TOML basic string, with quotes, that is safe to print in a terminal.

    TOML has no undecodable bytes; each becomes a replacement character.

    Examples:
        >>> print(as_toml('a"\x1b\u202e'))
        "a\"\u001b\u202e"
    """
    return f'"{"".join(map(_in_toml, text))}"'


def _in_toml(character: str) -> str:
    number = ord(character)
    if character in {'"', "\\"}:
        return f"\\{character}"
    if character.isprintable():
        return character
    if number in _SURROGATES:
        return "\ufffd"
    return f"\\U{number:08x}" if number >> 16 else f"\\u{number:04x}"


def as_command_data(text: str) -> str:
    """Escape the text of a GitHub Actions workflow command.

    https://docs.github.com/actions/reference/workflow-commands-for-github-actions
    """
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def as_command_property(text: str) -> str:
    """Escape a property of a workflow command, such as a file: ``:`` and ``,`` end it."""
    return as_command_data(text).replace(":", "%3A").replace(",", "%2C")
