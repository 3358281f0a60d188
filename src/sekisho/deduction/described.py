"""Use the shapes that a docstring gives, wherever no call contradicts it."""

from __future__ import annotations

import keyword
from itertools import pairwise, takewhile
from typing import TYPE_CHECKING

from sekisho.deduction.columns import Column, Group, never_contradict

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from sekisho.deduction.forms import Slot
    from sekisho.deduction.said import Said

    Axis = tuple[str, tuple[str, ...], int]
    """The parameter, the path inside of it, and the number of the axis."""

__all__ = ["AxisWords", "as_described", "with_described"]


class AxisWords:
    """What a docstring calls the axes of the places that it describes."""

    def __init__(self, words: dict[Axis, str]) -> None:
        self._words = words

    def __call__(self, column: Column) -> str:
        """Return the word for an axis; "" if there is none."""
        slot = column.slot
        if column.is_run:
            return ""
        word = self._words.get((slot.name, slot.path, column.index), "")
        if word or len(slot.ranks) != 1:
            return word
        (rank,) = slot.ranks
        other = column.index - rank if column.index >= 0 else column.index + rank
        return self._words.get((slot.name, slot.path, other), "")


def with_described(said: Said, slots: Iterable[Slot]) -> tuple[Said, AxisWords]:
    """Return what code and docstring say together, and what the docstring calls each axis.

    A shape that does not fit a call is ignored, since docstrings age. The code's own names come first.
    """
    names, sizes, batched = dict(said.names), dict(said.sizes), dict(said.batched)
    ranked, words = set(said.ranked), dict[tuple[str, tuple[str, ...], int], str]()
    for slot in slots:
        place = slot.name, slot.path
        shape = _common(said.described.get(place, ()))
        if shape is None or not _fits(shape, slot):
            continue
        if "..." in shape:
            at = shape.index("...")
            batched[place] = at, len(shape) - at - 1
        else:
            batched.pop(place, None)
            ranked |= set() if slot.path else {slot.name}
        for index, word in _indexed(shape):
            if word.isdecimal():
                sizes.setdefault((slot.name, index), int(word))
            elif word.isidentifier() and not keyword.iskeyword(word) and word[0] != "_":
                names.setdefault((*place, index), word)
                words[*place, index] = word
    found = said._replace(names=names, sizes=sizes, batched=batched, ranked=frozenset(ranked))
    return found, AxisWords(words)


def as_described(groups: Iterable[Group], word_of: AxisWords) -> list[Group]:
    """Let axes with one word be one group, if they never differed, and axes with two words be two.

    Args:
        groups: in the order of their first members.
        word_of: what the docstring calls an axis; "" if it does not say.
    """
    found: list[Group] = []
    by_word: dict[str, list[Group]] = {}
    for group in groups:
        words = {word for member in group.members if (word := word_of(member))}
        parts: dict[str, list[Column]] = {}
        for number, member in enumerate(group.members):
            # Of a group that falls apart, an axis without a word may belong to any part.
            alone = str(number) if len(words) > 1 else "".join(words)
            parts.setdefault(word_of(member) or alone, []).append(member)
        for word, members in parts.items():
            earlier = (each for each in by_word.get(word, ()) if never_contradict(each, members))
            home = next(earlier, None)
            if home is None:
                home = Group(members.pop(0))
                home.is_required = group.is_required
                found.append(home)
                by_word.setdefault(word, []).extend([home] if word in words else [])
            for member in members:
                home.add(member)
    return found


def _common(shapes: Sequence[tuple[str, ...]]) -> tuple[str, ...] | None:
    """Return what several shapes say together: ``(n, m) or (k, n, m)`` is ``(..., n, m)``; None for none."""
    if len(shapes) < 2:
        return shapes[0] if shapes else None
    last = takewhile(lambda words: len({*words}) == 1, zip(*map(reversed, shapes), strict=False))
    words = [each for each, *_ in last if each != "..."]
    return ("...", *reversed(words))


def _indexed(shape: tuple[str, ...]) -> Iterator[tuple[int, str]]:
    """Number the axes from the left, and those behind ``...`` from the right."""
    at = shape.index("...") if "..." in shape else len(shape)
    yield from enumerate(shape[:at])
    yield from ((index - len(shape), shape[index]) for index in range(at + 1, len(shape)))


def _fits(shape: tuple[str, ...], slot: Slot) -> bool:
    """Whether all that came has the shape: its number of axes, its sizes, and equal sizes by one word."""
    least = len(shape) - ("..." in shape)
    if shape.count("...") > 1 or min(slot.ranks) < least:
        return False
    if "..." not in shape and max(slot.ranks) > least:
        return False
    axes: dict[str, list[int]] = {}
    for index, word in _indexed(shape):
        axes.setdefault(word, []).append(index)
    for _, sizes in slot.shapes:
        for word, indices in axes.items():
            if word.isdecimal() and any(sizes[index] != int(word) for index in indices):
                return False
            if any(sizes[a] != sizes[b] for a, b in pairwise(indices)):
                return False
    return True
