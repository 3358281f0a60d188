"""The call that is being typed at a place: it does not parse yet, so its tokens are read."""

from __future__ import annotations

import io
import keyword
import tokenize
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["Call", "call_at"]

_CLOSING: Final = {")": "(", "]": "[", "}": "{"}
_SKIPPED: Final = {tokenize.NL, tokenize.COMMENT, tokenize.INDENT, tokenize.DEDENT}


class Call(NamedTuple):
    """A call around a place.

    Attributes:
        name: what is called, dotted.
        arguments: how many arguments stand in front of the place.
        keyword: the keyword of the argument at the place; "" if it has none yet.
    """

    name: str
    arguments: int
    keyword: str


class _Open:
    """A bracket that is open."""

    def __init__(self, sign: str, name: str) -> None:
        self.sign = sign
        self.name = name
        self.commas = 0
        self.keyword = ""


def call_at(text: str, offset: int) -> Call | None:
    """Return the innermost call around a place; None if there is none.

    Args:
        text: of the buffer.
        offset: the place in it, in characters.
    """
    brackets: list[_Open] = []
    before: list[str] = ["", ""]
    name = ""
    for word, kind in _tokens(text[:offset]):
        if word in {"(", "[", "{"}:
            is_definition = before[0] in {"def", "class"}
            brackets.append(_Open(word, "" if is_definition else name))
        elif kind == tokenize.NEWLINE:
            brackets.clear()
        elif brackets:
            _take(brackets, word, before[1])
        name = _grown(name, before[1], word, kind)
        before = [before[1], word]
    for each in reversed(brackets):
        if each.sign == "(" and each.name:
            return Call(each.name, each.commas, each.keyword)
    return None


def _tokens(text: str) -> Iterator[tuple[str, int]]:
    try:
        for token in tokenize.generate_tokens(io.StringIO(text).readline):
            if token.type not in _SKIPPED:
                yield token.string, token.type
    except (tokenize.TokenError, SyntaxError):
        pass  # it is being typed


def _take(brackets: list[_Open], word: str, before: str) -> None:
    """Note a token inside of brackets."""
    last = brackets[-1]
    if _CLOSING.get(word) == last.sign:
        brackets.pop()
    elif word == ",":
        last.commas += 1
        last.keyword = ""
    elif word == "=":
        last.keyword = before


def _grown(name: str, before: str, word: str, kind: int) -> str:
    """Return the dotted name that ends in a token; "" if none does."""
    if kind == tokenize.NAME and not keyword.iskeyword(word):
        return f"{name}{word}" if name.endswith(".") else word
    if word == "." and name and not name.endswith(".") and before == name.rpartition(".")[2]:
        return f"{name}."
    return ""
