"""The values of arrays: numbers that differ by position, and numbers that break code."""

from __future__ import annotations

import math
from functools import cache
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from sekisho.worlds import PLAIN_DTYPES, dtype_name

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["NUMPYS", "filling", "kind_of", "specials"]

NUMPYS: Final = frozenset(map(dtype_name, PLAIN_DTYPES))
"""The names of the dtypes that NumPy has without extensions."""

_PERIOD: Final = 61
"""Number of values before they repeat. An axis seldom has this size, so no two rows are equal."""

Filling = tuple[tuple[Any, ...], tuple[tuple[tuple[int, ...], Any], ...], bool]
"""A pattern, spots, and whether some values are extreme; see `ArrayRecipe`."""


def kind_of(dtype: str) -> str:
    """Return the kind of a dtype as NumPy's letter."""
    if dtype == "bool":
        return "b"
    for word, kind in (("uint", "u"), ("int", "i"), ("complex", "c")):
        if dtype.startswith(word):
            return kind
    return "f"


def filling(way: int, odd: int, dtype: str, shape: tuple[int, ...]) -> Filling:
    """Choose the values of an array.

    Args:
        way: 0 counts up, 1 is constant, each other number below 256 is a permutation.
        odd: encodes the special values and their places; 0 and many other numbers mean none.
        dtype: the name of its dtype.
        shape: the shape of the array.
    """
    pattern = _pattern(kind_of(dtype), way)
    found = specials(dtype)
    count = _COUNTS[odd % len(_COUNTS)]
    if not found or 0 in shape or not count:
        return pattern, (), False
    spots: list[tuple[tuple[int, ...], Any]] = []
    is_extreme = False
    rest = odd // len(_COUNTS)
    for _ in range(count):
        rest, which = divmod(rest, len(found))
        rest, at = divmod(rest, math.prod(shape))
        value, extreme = found[which]
        spots.append((tuple([int(each) for each in np.unravel_index(at, shape)]), value))
        is_extreme = is_extreme or extreme
    return pattern, tuple(spots), is_extreme


_COUNTS: Final = (0, 1, 0, 1, 2)


@cache
def _pattern(kind: str, way: int) -> tuple[Any, ...]:
    """Return values that every dtype of this kind represents exactly."""
    numbers = list(range(_PERIOD))
    if way == 1:
        return (_NUMBER[kind](1),)
    if way > 1:
        numbers = np.random.default_rng(way).permutation(_PERIOD).tolist()
    return tuple([_NUMBER[kind](each) for each in numbers])


_NUMBER: Final[dict[str, Callable[[int], Any]]] = {
    "b": lambda n: n % 2 == 1,
    "u": lambda n: n,
    "i": lambda n: n - 5,
    "f": lambda n: (n - 5) / 4,
    "c": lambda n: complex((n - 5) / 4, (n % 7) / 2),
}


@cache
def specials(dtype: str) -> tuple[tuple[Any, bool], ...]:
    """Return values that code often forgets, simplest first, each with whether it is extreme."""
    kind = kind_of(dtype)
    if kind in "iu":
        info = np.iinfo(dtype) if dtype in NUMPYS else None
        whole = () if info is None else (int(info.max), int(info.min))
        return ((0, False), *[(each, True) for each in whole])
    if kind in "fc":
        narrow = {"complex64": "float32", "complex128": "float64"}.get(dtype, dtype)
        limits = np.finfo(narrow if narrow in NUMPYS else "float32")
        ends = (float(limits.max), -float(limits.max))
        usual = (0.0, float("nan"), float("inf"), -float("inf"), -0.0)
        tiny = float(limits.smallest_subnormal)  # its square underflows to 0
        every = (
            *[(each, False) for each in usual],
            *[(each, True) for each in (tiny, *ends)],
        )
        if kind == "c":
            return tuple([(complex(value, 1.0), extreme) for value, extreme in every])
        return every
    return ()
