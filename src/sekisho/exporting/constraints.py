"""Translate the constraint errors of torch.export into the names of the contract."""

from __future__ import annotations

import re
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from sekisho.errors import DeclarationError
from sekisho.exporting.ranges import Range, range_where
from sekisho.exporting.tree import MISSING

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator, Mapping

    from sekisho.exporting.reading import Arguments

__all__ = ["Axes", "axes_of", "in_words_of", "translated"]

_MARKS: Final = ("Constraints violated", "Specializations unexpectedly required")

_SOURCE: Final = re.compile(
    r"(?:(?P<name>[\w*]+(?: [+-] \d+)?) = )?"
    r"L(?P<path>(?:\['?\w+'?\]|\.\w+)+)\.size\(\)\[(?P<axis>\d+)\]"
)
_ENDLESS: Final = re.compile(r" and \S+ <= (?:IntInfinity\(\)|int_oo)")
_GUARD: Final = re.compile(
    r"Not all values of (?P<name>\w+) = (?P<source>\S+) in the specified range (?:.+ )?satisfy the "
    r"generated guard (?P<guard>.+)"
)
_CONSTANT: Final = re.compile(
    r"(?:marked|because) (?P<name>\S+) .*?(?:specialized it|inferred) to be a constant "
    r"\((?P<size>\d+)\)",
    re.DOTALL,
)
_RELATED: Final = re.compile(
    r"The values of (?:.+? = )?(?P<source>\S+) must always be related to the values of .+ by \S+ = (?P<by>.+)"
)
_EQUAL: Final = re.compile(r"(?P<name>[^\W_]\w*) = (?P<other>.+)")


class Axes(NamedTuple):
    """The axes of the exported arguments.

    Attributes:
        names: the contract's name of each of torch's dimensions.
        texts: how the contract writes each axis, by the place of its array and its number.
        sizes: the size in the example of each dimension.
        bounds: the bounds that the caller gives.
    """

    names: Mapping[str, str]
    texts: Mapping[tuple[str, int], str]
    sizes: Mapping[str, int]
    bounds: Mapping[str, tuple[int | None, int | None]]


def axes_of(
    arguments: Arguments, names: Mapping[str, str], bounds: Mapping[str, Any] | None
) -> Axes:
    """Return the axes of some arguments, for the translation of errors."""
    texts: dict[tuple[str, int], str] = {}
    sizes: dict[str, int] = {}
    for leaf in arguments.leaves:
        shape = () if leaf.value is MISSING else getattr(leaf.value, "shape", ())
        for axis, (size, number) in enumerate(zip(leaf.sizes or (), shape, strict=False)):
            texts[leaf.place, axis] = size.name or size.text
            if size.name is not None:
                sizes[size.name] = int(number)
    return Axes(names, texts, sizes, bounds or {})


@contextmanager
def in_words_of(function: str, axes: Axes) -> Generator[None]:
    """Raise an exporter's constraint errors in the names of the contract of a function.

    Args:
        function: its name.
        axes: the axes of its arguments.

    Raises:
        DeclarationError: from torch's error.
    """
    try:
        yield
    except Exception as error:
        text = translated(str(error), axes)
        if text is None:
            raise
        raise DeclarationError(f"{function}() cannot be exported with these axes:{text}") from error


def translated(text: str, axes: Axes) -> str | None:
    """Return torch's reasons and hints in other words; None if it is no constraint error."""
    starts = [text.find(mark) for mark in _MARKS if mark in text]
    if not starts:
        return None
    text = text[min(starts) :].partition("\n\nThe error above occurred")[0]
    for theirs, ours in axes.names.items():
        if theirs != ours:
            text = re.sub(rf"\b{theirs}\b", ours, text)
    reasons, _, fixes = text.partition("Suggested fixes:")
    found = [_ENDLESS.sub("", " ".join(each.split()).rstrip(".")) for each in _items(reasons)]
    ranges = dict(_ranges(found, axes))
    lines = dict.fromkeys(_reason(each, axes, ranges) for each in found)
    hints = [*_hints(fixes, ranges)]
    if any(map(_RELATED.fullmatch, found)):
        hints.append("'_' in place of the axis, whose size is then not checked")
    if ranges:
        pairs = {name: (each.low, each.high) for name, each in ranges.items()}
        hints.insert(0, f"bounds={ {**axes.bounds, **pairs} }")
    return "".join([*[f"\n  {each}" for each in lines], *[f"\n  hint: {each}" for each in hints]])


def _items(reasons: str) -> list[str]:
    return re.split(r"\n  - ", reasons)[1:]


def _ranges(reasons: list[str], axes: Axes) -> Iterator[tuple[str, Range]]:
    """Yield the axes whose guards all hold in a range of sizes around the example's."""
    guards: dict[str, list[str]] = {}
    for each in reasons:
        match = _GUARD.fullmatch(each)
        if match:
            guard = match["guard"].replace(match["source"], "size")
            guards.setdefault(match["name"], []).append(guard)
    for name, size in axes.sizes.items():
        found = range_where(guards.get(name, []), size, axes.bounds.get(name, (None, None)))
        if found is not None:
            yield name, found


def _reason(text: str, axes: Axes, ranges: Mapping[str, Range]) -> str:
    constant = _CONSTANT.search(text)
    if constant:
        source = _SOURCE.fullmatch(constant["name"])
        name = f"axis '{constant['name']}'" if source is None else _place(source, axes)
        return f"{name} may have any size, but the function makes it {constant['size']}"
    related = _RELATED.fullmatch(text)
    if related:
        place = _SOURCE.sub(lambda match: _place(match, axes), related["source"])
        return f"{place} has to be {related['by']}, which torch.export has no words for"
    guard = _GUARD.fullmatch(text)
    if guard is None:
        return _SOURCE.sub(lambda match: _place(match, axes), text)
    name = guard["name"]
    if name in ranges:
        needs = ranges[name].words
    else:
        needs = _SOURCE.sub(lambda match: _text(match, axes), guard["guard"])
    return f"axis '{name}' may have other sizes, but the function needs {needs}"


def _parts(match: re.Match[str]) -> tuple[str, int]:
    path = match["path"]
    root = re.match(r"\['(\w+)'\]", path)
    return f"{root[1]}{path[root.end() :]}" if root else path, int(match["axis"])


def _place(match: re.Match[str], axes: Axes) -> str:
    place, axis = _parts(match)
    where = f"axis {axis} of '{place}'"
    name = match["name"] or axes.texts.get((place, axis))
    return f"axis '{name}' ({where})" if name else where


def _text(match: re.Match[str], axes: Axes) -> str:
    place, axis = _parts(match)
    return axes.texts.get((place, axis), f"axis {axis} of '{place}'")


def _hints(fixes: str, ranges: Mapping[str, Range]) -> Iterator[str]:
    for line in fixes.splitlines():
        equal = _EQUAL.fullmatch(line.strip())
        # A range is in the bounds already, and torch's own are of the variables that it makes.
        if equal and "Dim(" not in equal["other"] and equal["name"] not in ranges:
            yield _equal(equal["name"], equal["other"])


def _equal(name: str, other: str) -> str:
    if other in {"0", "1"}:  # constants to torch's tracers, whatever the function does
        return f"pass an example in which axis '{name}' is 2 or more"
    if other.isdigit():
        return f"write {other} in place of '{name}', or keep the size open in the function"
    if other.isidentifier():
        return f"write '{other}' in place of '{name}'"
    return f"axis '{name}' has to be {other.replace('_' + name, 'k')}, k being a whole number"
