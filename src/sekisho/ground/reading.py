"""Source files, from bytes to text to a tree: the only place that does so, for every tool."""

from __future__ import annotations

import ast
import io
import tokenize

from sekisho.ground._private import quiet

__all__ = ["decode", "parse"]


def decode(data: bytes) -> tuple[str, str]:
    """The text of a Python file and its encoding: by its byte order mark, its cookie, or UTF-8.

    Raises:
        SyntaxError: if it declares an encoding that there is not.
        ValueError: if it is not what it declares, or no text.
        LookupError: if what it declares is a codec, and none of text.
    """
    encoding, _ = tokenize.detect_encoding(io.BytesIO(data).readline)
    return data.decode(encoding), encoding


def parse(source: str | bytes) -> ast.Module:
    """Parse a module, without a word about what its strings escape.

    Raises:
        ValueError: in one line, if it does not parse, or is nested too deeply to.
    """
    with quiet():
        try:
            return ast.parse(source)
        except SyntaxError as error:
            raise ValueError(f"line {error.lineno}: {error.msg}") from None
        except (ValueError, RecursionError, MemoryError) as error:
            first = str(error).partition("\n")[0]
            raise ValueError(first or "it is nested too deeply") from None
