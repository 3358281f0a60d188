"""What arrays are filled with: numbers that show where they are, and those that break code."""

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
"""The names of the dtypes that NumPy has without help."""

_PERIOD: Final = 61
"""Values before they repeat: no axis that is likely has this size, so that no two rows are alike."""

Filling = tuple[tuple[Any, ...], tuple[tuple[tuple[int, ...], Any], ...], bool]
"""A pattern, spots, and whether some are extreme; see `ArrayRecipe`."""


def kind_of(dtype: str) -> str:
    """The kind of a dtype, by NumPy's letters."""
    if dtype == "bool":
        return "b"
    for word, kind in (("uint", "u"), ("int", "i"), ("complex", "c")):
        if dtype.startswith(word):
            return kind
    return "f"


def filling(way: int, odd: int, dtype: str, shape: tuple[int, ...]) -> Filling:
    """The values of an array.

    Args:
        way: 0 counts, 1 is constant, all others are mixed, each in its way; below 256.
        odd: which elements are what code forgets: 0 and much else is none.
        dtype: its name.
        shape: of the array.
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
    """Values that are all exact in every dtype."""
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
    """Values that code forgets, the simplest first, each with whether it is extreme."""
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
        tiny = float(limits.smallest_subnormal)  # whose square is 0, where one is taken
        every = (
            *[(each, False) for each in usual],
            *[(each, True) for each in (tiny, *ends)],
        )
        if kind == "c":
            return tuple([(complex(value, 1.0), extreme) for value, extreme in every])
        return every
    return ()
