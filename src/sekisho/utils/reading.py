"""Decode and parse source files, for every tool."""

from __future__ import annotations

import ast
import io
import tokenize

from sekisho.utils._private import quiet

__all__ = ["decode", "parse"]


def decode(data: bytes) -> tuple[str, str]:
    """Return the text of a Python file and its encoding.

    The encoding comes from the byte order mark, the coding comment, or defaults to UTF-8.

    Raises:
        SyntaxError: if the file declares an encoding that does not exist.
        ValueError: if the bytes are not valid in the encoding.
        LookupError: if the declared codec is not a text encoding.
    """
    encoding, _ = tokenize.detect_encoding(io.BytesIO(data).readline)
    return data.decode(encoding), encoding


def parse(source: str | bytes) -> ast.Module:
    """Parse a module without warnings, such as those about invalid escapes in strings.

    Raises:
        ValueError: with a message of one line, if the source does not parse or is nested too
            deeply.
    """
    with quiet():
        try:
            return ast.parse(source)
        except SyntaxError as error:
            raise ValueError(f"line {error.lineno}: {error.msg}") from None
        except (ValueError, RecursionError, MemoryError) as error:
            first = str(error).partition("\n")[0]
            raise ValueError(first or "it is nested too deeply") from None
