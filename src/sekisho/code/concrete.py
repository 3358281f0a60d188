"""Parse files with libcst, which keeps spaces and comments, for code that edits them."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from libcst import Module

__all__ = ["parse_concrete"]


def parse_concrete(text: str) -> Module:
    """Parse a text into a module that libcst writes back unchanged.

    Raises:
        ImportError: if libcst is not installed.
        ValueError: if libcst cannot parse the text, or would not reproduce it exactly.
    """
    import libcst as cst  # noqa: PLC0415 - an optional dependency that only edits need

    try:
        parsed = cst.parse_module(text)
    except cst.ParserSyntaxError as error:
        raise ValueError(f"libcst cannot read line {error.raw_line} of the file") from None
    if parsed.code != text:
        raise ValueError("libcst cannot keep the file as it is")
    return parsed
