"""The sizes of one axis for which the guards of torch.export hold."""

from __future__ import annotations

import operator
import re
from typing import Any, Final, NamedTuple

from sekisho.utils import evaluate

__all__ = ["Range", "range_where"]

_LEAST: Final = 2  # torch makes a program of its own for the sizes 0 and 1
_MOST_TRIED: Final = 4096
_ARITHMETIC: Final = re.compile(r"(?:size|and|or|not|Max|Min|Mod|[\d\s()+*/%<>=!,-])*")
_NAMES: Final[dict[str, Any]] = {"Max": max, "Min": min, "Mod": operator.mod}


class Range(NamedTuple):
    """A range of sizes; None where it has no end."""

    low: int | None
    high: int | None

    @property
    def words(self) -> str:
        """The range in a sentence."""
        if self.high is None:
            return f"{self.low} or more"
        return f"{self.high} or less" if self.low is None else f"{self.low} to {self.high}"


def range_where(
    guards: list[str], size: int, bounds: tuple[int | None, int | None]
) -> Range | None:
    """Return the range around a size in which all guards hold; None if they tell no range.

    torch suggests bounds for ``3 <= h``, but none for ``(h - 2) != 1``, as a convolution has.

    Args:
        guards: conditions of ``size`` in Python.
        size: a size for which they hold.
        bounds: the range that is looked at.
    """
    if not guards or not all(map(_ARITHMETIC.fullmatch, guards)):
        return None
    condition = " and ".join(f"({each})" for each in guards)

    def holds(number: int) -> bool:
        try:
            return bool(evaluate(condition, {**_NAMES, "size": number}))
        except (ArithmeticError, SyntaxError, TypeError, ValueError):
            return False

    if not holds(size):
        return None
    low, high = bounds
    first, last = max(low or 0, _LEAST), min(high or _MOST_TRIED, _MOST_TRIED)
    least = most = size
    while least > first and holds(least - 1):
        least -= 1
    while most < last and holds(most + 1):
        most += 1
    if least == most:
        return None
    found: Any = (low if least == first else least, high if most == last else most)
    return Range(*found) if found != (low, high) else None
