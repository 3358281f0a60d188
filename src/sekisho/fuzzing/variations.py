"""Variations of a call with other layouts, or with special values in one corner.

Each example tries some of them, because in a hundred examples chance seldom draws each of ten
layouts.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from sekisho.fuzzing.elements import specials

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from sekisho.fuzzing.recipes import ArrayRecipe, CallRecipe

    Change = Callable[[str, ArrayRecipe], ArrayRecipe]

__all__ = ["variations"]

_AT_ONCE: Final = 3


def variations(recipe: CallRecipe, writes: frozenset[str]) -> Iterator[CallRecipe]:
    """Yield some of the calls that change the layout, or one value, of all arrays of a call."""
    every = [*_changes(recipe, writes)]
    # each example starts at another variation, so all of them come in turn
    start = recipe.turn * _AT_ONCE
    for number in range(min(_AT_ONCE, len(every))):
        yield recipe.changed(every[(start + number) % len(every)])


def _changes(recipe: CallRecipe, writes: frozenset[str]) -> Iterator[Change]:
    arrays = recipe.arrays()
    layouts = {word for name, array in arrays for word in array.fitting(writes=name in writes)}
    for word in sorted(layouts):
        yield _laid(word, writes)
    found = {each for _, array in arrays if 0 not in array.shape for each in specials(array.dtype)}
    for value, extreme in sorted(found, key=repr):
        yield _filled(value, extreme=extreme)


def _laid(word: str, writes: frozenset[str]) -> Change:
    def change(name: str, array: ArrayRecipe) -> ArrayRecipe:
        fits = word in array.fitting(writes=name in writes)
        return array._replace(layout=word) if fits else array

    return change


def _filled(value: object, *, extreme: bool) -> Change:
    def change(name: str, array: ArrayRecipe) -> ArrayRecipe:
        _ = name
        if 0 in array.shape or (value, extreme) not in specials(array.dtype):
            return array
        corner = tuple([size - 1 for size in array.shape])
        return array._replace(spots=((corner, value),), is_extreme=extreme)

    return change
