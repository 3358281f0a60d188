"""Name axes: as the code names them, else by the conventions of the field."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from sekisho.deduction.columns import Group
    from sekisho.deduction.forms import Slot

    AxisNames = Mapping[tuple[str, tuple[str, ...], int], str]
    """Names by the parameter and path of the slot, and the number of the axis."""

__all__ = ["name_groups"]

_PICTURES: Final = frozenset(
    {"image", "images", "img", "imgs", "picture", "frame", "frames", "photo"}
)
_WEIGHTS: Final = frozenset({"weight", "weights", "kernel", "filters"})
_SQUARE: Final = frozenset(
    {"mask", "adj", "adjacency", "dist", "distances", "similarity", "sim", "attn"}
)
_BY_RANK: Final = {
    1: ("n",),
    2: ("b", "d"),
    3: ("b", "t", "d"),
    4: ("b", "c", "h", "w"),
    5: ("b", "c", "t", "h", "w"),
}
_MORE: Final = ("d", "n", "m", "k", "c", "h", "w", "t", "p", "q", "r", "s", "l", "e", "f", "g")


def name_groups(
    groups: list[Group],
    said: AxisNames,
    near: AxisNames,
    arguments: Mapping[str, Mapping[int, int]],
) -> dict[int, str]:
    """Choose names for groups, all different.

    Args:
        groups: in the order of their first members.
        said: the names that the function's own code uses for its axes.
        near: the names in functions that pass these axes to this one, or get them from it.
        arguments: the arguments that are integers.

    Returns:
        Names by the index of the group. An axis of the result that equals no other axis has a name
            only if there is a conventional one.
    """
    names: dict[int, str] = {}
    taken: set[str] = set()
    axes: dict[tuple[Slot, int], str] = {}
    # names from the code first, so that conventional ones do not take them
    for certain in (True, False):
        for index, group in enumerate(groups):
            if index in names:
                continue
            sources = (
                _certain(group, said, near, arguments)
                if certain
                else _usual(group, len(groups), axes)
            )
            name = next((each for each in sources if each not in taken), None)
            if name is not None:
                names[index] = name
                taken.add(name)
                axes |= {(column.slot, column.index): name for column in group.members}
    return names


def _certain(
    group: Group, said: AxisNames, near: AxisNames, arguments: Mapping[str, Mapping[int, int]]
) -> Iterator[str]:
    for table in (said, near):
        for column in group.members:
            key = column.slot.name, column.slot.path
            name = table.get((*key, column.index))
            if name is None and column.index >= 0 and len(column.slot.ranks) == 1:
                name = table.get((*key, column.index - next(iter(column.slot.ranks))))
            if name is not None and not column.is_run:
                yield name
        # A result's own axis that is an argument is ``{size}``, and no name.
        is_given = any(column.slot.name not in {"return", "yield"} for column in group.members)
        if table is said and is_given and group.different > 1:
            for name, values in arguments.items():
                if all(values.get(call) == size for call, size in group.sizes.items()):
                    yield name


def _usual(group: Group, count: int, axes: Mapping[tuple[Slot, int], str]) -> Iterator[str]:
    """Yield conventional names for an axis, best first, then numbered names."""
    first = group.members[0]
    if first.is_run:
        yield from ("batch", "shape", "rest") if first.index == 0 else ("rest", "shape")
        yield from (f"shape{number}" for number in range(2, count + 2))
        return
    row = _row(first.slot)
    if len(group.members) == 1 and first.slot.name in {"return", "yield"}:
        # No argument has this axis: name it only if the axes beside it have conventional names,
        # too.
        beside = {index: name for (slot, index), name in axes.items() if slot is first.slot}
        if row and any(row[index] == name for index, name in beside.items() if index < len(row)):
            yield row[first.index]
        return
    if row:
        yield row[first.index]
    elif first.index < 0:
        yield "dthc"[-1 - first.index] if first.index >= -4 else "d"
    else:
        yield "b"
    yield from _MORE
    yield from (f"d{number}" for number in range(2, count + 2))


def _row(slot: Slot) -> tuple[str, ...]:
    """Return the conventional names for the axes of an array; none if its rank differs."""
    (rank, *more) = slot.ranks
    if more:
        return ()
    parameter = slot.name.lower()
    if parameter in _PICTURES and rank == 3:
        return ("h", "w", "c") if "numpy" in slot.worlds else ("c", "h", "w")
    if parameter in _PICTURES and rank == 4 and "numpy" in slot.worlds:
        return ("b", "h", "w", "c")
    if parameter in _WEIGHTS and rank in {2, 4}:
        return ("o", "i", "kh", "kw")[:rank]
    if parameter in _SQUARE and rank == 2:
        return ("n", "m")
    return _BY_RANK.get(rank, ())
