"""Translate the constraint errors of torch.export into the names of the contract."""

from __future__ import annotations

import re
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from sekisho.errors import DeclarationError

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator, Mapping

__all__ = ["in_words_of", "translated"]

_MARKS: Final = ("Constraints violated", "Specializations unexpectedly required")

_SOURCE: Final = re.compile(
    r"(?:(?P<name>[\w*]+(?: [+-] \d+)?) = )?"
    r"L(?P<path>(?:\['?\w+'?\]|\.\w+)+)\.size\(\)\[(?P<axis>\d+)\]"
)
_ENDLESS: Final = re.compile(r" and \S+ <= (?:IntInfinity\(\)|int_oo)")
_CONSTANT: Final = re.compile(
    r"(?:marked|because) (?P<name>\S+) .*?(?:specialized it|inferred) to be a constant "
    r"\((?P<size>\d+)\)",
    re.DOTALL,
)
_RANGE: Final = re.compile(
    r"(?P<name>\w+) = Dim\('\w+'(?:, min=(?P<low>\d+))?(?:, max=(?P<high>\d+))?\)"
)
_EQUAL: Final = re.compile(r"(?P<name>\w+) = (?P<other>.+)")


@contextmanager
def in_words_of(function: str, names: Mapping[str, str]) -> Generator[None]:
    """Raise an exporter's constraint errors in the names of the contract of a function.

    Args:
        function: its name.
        names: the contract's name of each of torch's dimensions.

    Raises:
        DeclarationError: from torch's error.
    """
    try:
        yield
    except Exception as error:
        text = translated(str(error), names)
        if text is None:
            raise
        raise DeclarationError(f"{function}() cannot be exported with these axes:{text}") from error


def translated(text: str, names: Mapping[str, str]) -> str | None:
    """Return torch's reasons and hints in other words; None if it is no constraint error."""
    starts = [text.find(mark) for mark in _MARKS if mark in text]
    if not starts:
        return None
    text = text[min(starts) :].partition("\n\nThe error above occurred")[0]
    for theirs, ours in names.items():
        if theirs != ours:
            text = re.sub(rf"\b{theirs}\b", ours, text)
    reasons, _, fixes = text.partition("Suggested fixes:")
    found = re.split(r"\n  - ", reasons)[1:]
    lines = dict.fromkeys(_reason(each) for each in found)
    hints = dict.fromkeys(_hints(fixes))
    return "".join([*[f"\n  {each}" for each in lines], *[f"\n  hint: {each}" for each in hints]])


def _reason(text: str) -> str:
    constant = _CONSTANT.search(text)
    if constant:
        name, size = constant["name"], constant["size"]
        return f"axis '{name}' may have any size, but the function makes it {size}"
    first = " ".join(text.split()).rstrip(".")
    return _SOURCE.sub(_place, _ENDLESS.sub("", first))


def _place(match: re.Match[str]) -> str:
    path = match["path"]
    root = re.match(r"\['(\w+)'\]", path)
    place = f"{root[1]}{path[root.end() :]}" if root else path
    axis = f"axis {match['axis']} of '{place}'"
    return f"axis '{match['name']}' ({axis})" if match["name"] else axis


def _hints(fixes: str) -> Iterator[str]:
    for line in fixes.splitlines():
        fix = line.strip()
        limits = _RANGE.fullmatch(fix)
        equal = _EQUAL.fullmatch(fix)
        if limits and not limits["name"].startswith("_"):
            yield f"bounds={{{limits['name']!r}: ({limits['low']}, {limits['high']})}}"
        elif equal and not limits:
            yield _equal(equal["name"], equal["other"])


def _equal(name: str, other: str) -> str:
    if other in {"0", "1"}:  # constants to torch's tracers, whatever the function does
        return f"pass an example in which axis '{name}' is 2 or more"
    if other.isdigit():
        return f"write {other} in place of '{name}', or keep the size open in the function"
    if other.isidentifier():
        return f"write '{other}' in place of '{name}'"
    return f"axis '{name}' has to be {other.replace('_' + name, 'k')}, k being a whole number"
