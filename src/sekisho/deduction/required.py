"""Let axes be one that the code requires to be equal."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sekisho.deduction.columns import never_contradict

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from sekisho.deduction.columns import Column, Group
    from sekisho.deduction.said import Said

    Axis = tuple[str, int]
    Places = Mapping[tuple[str, int], Column]

__all__ = ["join_required"]


def join_required(groups: list[Group], said: Said) -> None:
    """Merge the groups of axes that have to be equal, and were in every call.

    Args:
        groups: in the order of their first members; changed in place.
        said: what the code says.
    """
    places = _places(each for group in groups for each in group.members)
    for pair in sorted(said.equal):
        one, other = (_column(*axis, places) for axis in pair)
        homes = [each for each in groups if one in each.members or other in each.members]
        if one is None or other is None or not homes or _may_be_vectors(pair, one, other):
            continue
        first, *more = homes
        if all(never_contradict(first, each.members) for each in more):
            first.is_required = True
            for each in more:
                groups.remove(each)
                for member in each.members:
                    first.add(member)


def _may_be_vectors(pair: tuple[Axis, Axis], one: Column, other: Column) -> bool:
    """Whether the right side of ``solve(a, b)`` may be a batch of vectors, whose last axis it then solves."""
    if pair[0][1] != -2 or pair[1][1] != -2:
        return False
    ranks = {one.slot.ranks == {1} or other.slot.ranks == {1}, one.slot.ranks == other.slot.ranks}
    return True not in ranks


def _places(columns: Iterable[Column]) -> Places:
    """Return the axes of arguments by their number, from the right as well if their rank is known."""
    found: dict[tuple[str, int], Column] = {}
    for column in columns:
        if column.slot.path or column.is_run:
            continue
        found[column.slot.name, column.index] = column
        if len(column.slot.ranks) == 1:
            found[column.slot.name, column.from_right] = column
    return found


def _column(name: str, index: int, places: Places) -> Column | None:
    """Return the axis of a parameter; the only one stands for the last but one, as in ``x @ y``."""
    found = places.get((name, index))
    if found is None and index == -2:
        last = places.get((name, -1))
        return last if last is not None and last.slot.ranks == {1} else None
    return found
