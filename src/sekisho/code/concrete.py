"""Files as libcst reads them, for what writes into them: spaces and comments are kept."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from libcst import Module

__all__ = ["parse_concrete"]


def parse_concrete(text: str) -> Module:
    """The module that a text is, which is written back as it was.

    Raises:
        ImportError: if libcst is not installed.
        ValueError: if libcst cannot read the text, or would not write all of it as it is.
    """
    import libcst as cst  # noqa: PLC0415 - an extra, and only what writes needs it

    try:
        parsed = cst.parse_module(text)
    except cst.ParserSyntaxError as error:
        raise ValueError(f"libcst cannot read line {error.raw_line} of the file") from None
    if parsed.code != text:
        raise ValueError("libcst cannot keep the file as it is")
    return parsed
