"""What the ending of a name means: a library, as in ``x_np``, or a word of mathematics."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from sekisho.worlds import world_named

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from sekisho.inference import Function, Solution

__all__ = ["is_meant", "is_word"]


def is_word(others: Collection[str], name: str, ending: str) -> bool:
    """Return whether an ending is a word: ``loss_np`` beside ``loss_nc``, ``m_t`` beside ``obs_tp1`` or ``x_i``."""
    if ending == "_t":
        other = _INDEX if _SYMBOL.fullmatch(name) else _STEP
        if any(map(other.search, others)):
            return True
    start = f"{name[: -len(ending)]}_"
    alike = {each for each in others if len(each) == len(name)} - {name}
    return any(each.startswith(start) for each in alike)


_STEP: Final = re.compile(r"_t_?(?:[pm]|plus_?|minus_?)?\d+$")
"""The end of a name for another step in time than t."""

_SYMBOL: Final = re.compile(r"[A-Za-z]{1,2}_[a-z]")
"""A symbol of mathematics with an index."""

_INDEX: Final = re.compile(rf"{_STEP.pattern}|^[A-Za-z]{{1,2}}_[a-su-z]$")
"""A name with another index than t, or the end of one for another step in time."""

_COMMON: Final = frozenset({"_t", "_tensor", "_cp"})


def is_meant(solution: Solution, function: Function, ending: str, worlds: Iterable[str]) -> bool:
    """Return whether an ending means a library: without torch, `x_t` and `x_tensor` are words of mathematics."""
    if ending not in _COMMON:
        return True
    table = solution.program.table(function.unit.key)
    entries = table.names.values() if table is not None else ()
    imported = {each[1].partition(".")[0] for each in entries if each[0] == "import"}
    return any(
        ending not in world_named(name).supplement.suffixes  # the project's own settings say it
        or name in imported
        for name in worlds
    )
