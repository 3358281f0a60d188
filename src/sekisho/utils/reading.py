"""Decode and parse source files, for every tool."""

from __future__ import annotations

import ast
import inspect
import io
import tokenize
from typing import TYPE_CHECKING, Any

from sekisho.errors import first_line
from sekisho.utils._private import quiet

if TYPE_CHECKING:
    from types import CodeType

__all__ = ["decode", "parse", "statement_of"]


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


def statement_of(code: CodeType) -> ast.stmt:
    """Parse the source of a function's code; its nodes have the positions of the file.

    Raises:
        OSError: if there is no source.
        SyntaxError: if the source, or what stands there now, is not one statement.
    """
    lines, first = inspect.getsourcelines(code)
    # In a block of its own, an indented definition keeps its columns.
    is_indented = lines[0][:1].isspace()
    tree: Any = parse("".join(["if True:\n", *lines] if is_indented else lines))
    statements: list[ast.stmt] = tree.body[0].body if is_indented else tree.body
    if len(statements) != 1:
        raise SyntaxError(f"{len(statements)} statements")
    ast.increment_lineno(tree, first - 1 - is_indented)
    return statements[0]


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
            why = first_line(error) if str(error) else "it is nested too deeply"
            raise ValueError(why) from None
