"""What arrays are filled with: numbers that show where they are, and those that break code."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from hypothesis import strategies as st

from sekisho.worlds import PLAIN_DTYPES, dtype_name

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["Filling", "draw_filling", "is_numpys", "kind_of", "specials"]

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


def draw_filling(
    draw: Callable[[Any], Any], dtype: str, shape: tuple[int, ...], *, hostile: bool
) -> Filling:
    """Draw the values of an array.

    Args:
        draw: Hypothesis' own.
        dtype: its name.
        shape: of the array.
        hostile: whether an element or two may be what code forgets.
    """
    kind = kind_of(dtype)
    way = draw(_WAYS)
    pattern = _pattern(kind, way)
    found = specials(dtype) if hostile and 0 not in shape else ()
    if not found:
        return pattern, (), False
    spots: list[tuple[tuple[int, ...], Any]] = []
    is_extreme = False
    for _ in range(draw(_HOW_MANY)):
        index = tuple([draw(st.integers(0, size - 1)) for size in shape])
        value, extreme = draw(st.sampled_from(found))
        spots.append((index, value))
        is_extreme = is_extreme or extreme
    return pattern, tuple(spots), is_extreme


_WAYS: Final = st.integers(0, 255)
_HOW_MANY: Final = st.sampled_from((0, 0, 1, 1, 2))


def _pattern(kind: str, way: int) -> tuple[Any, ...]:
    """Values that are all exact in every dtype: 0 counts, 1 is constant, the others are mixed."""
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
        info = np.iinfo(dtype) if is_numpys(dtype) else None
        whole = () if info is None else (int(info.max), int(info.min))
        return ((0, False), *[(each, True) for each in whole])
    if kind in "fc":
        narrow = {"complex64": "float32", "complex128": "float64"}.get(dtype, dtype)
        limits = np.finfo(narrow if is_numpys(narrow) else "float32")
        ends = (float(limits.max), -float(limits.max))
        usual = (0.0, float("nan"), float("inf"), -float("inf"), -0.0)
        tiny = float(limits.smallest_subnormal)
        every = (
            *[(each, False) for each in usual],
            (tiny, False),
            *[(each, True) for each in ends],
        )
        if kind == "c":
            return tuple([(complex(value, 1.0), extreme) for value, extreme in every])
        return every
    return ()


def is_numpys(dtype: str) -> bool:
    """Whether NumPy has a dtype without help."""
    return any(dtype_name(each) == dtype for each in PLAIN_DTYPES)
