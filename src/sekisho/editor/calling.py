"""The call that is being typed at a place: it does not parse yet, so its tokens are read."""

from __future__ import annotations

import io
import keyword
import tokenize
from typing import Final, NamedTuple

__all__ = ["Call", "call_at"]

_CLOSING: Final = {")": "(", "]": "[", "}": "{"}


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
    try:
        for token in tokenize.generate_tokens(io.StringIO(text[:offset]).readline):
            word, kind = token.string, token.type
            if kind in {tokenize.NL, tokenize.COMMENT, tokenize.INDENT, tokenize.DEDENT}:
                continue
            if word in {"(", "[", "{"} and kind == tokenize.OP:
                is_definition = before[0] in {"def", "class"}
                brackets.append(_Open(word, "" if is_definition else name))
            elif word in _CLOSING and brackets and brackets[-1].sign == _CLOSING[word]:
                brackets.pop()
            elif word == "," and brackets:
                brackets[-1].commas += 1
                brackets[-1].keyword = ""
            elif word == "=" and brackets:
                brackets[-1].keyword = before[1]
            elif kind == tokenize.NEWLINE:
                brackets.clear()
            name = _grown(name, before[1], word, kind)
            before = [before[1], word]
    except (tokenize.TokenError, SyntaxError, IndentationError):
        pass  # it is being typed
    for each in reversed(brackets):
        if each.sign == "(" and each.name:
            return Call(each.name, each.commas, each.keyword)
    return None


def _grown(name: str, before: str, word: str, kind: int) -> str:
    """Return the dotted name that ends in a token; "" if none does."""
    if kind == tokenize.NAME and not keyword.iskeyword(word):
        return f"{name}{word}" if name.endswith(".") else word
    if word == "." and name and not name.endswith(".") and before == name.rpartition(".")[2]:
        return f"{name}."
    return ""
