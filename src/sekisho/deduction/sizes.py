"""The axes that all calls of a function have kept, as jaxtyping writes them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from sekisho.contract import match_shape, parse_axes
from sekisho.deduction.columns import Column, Group, Layout, absorb, group_columns, lay_out
from sekisho.deduction.expressions import find_expression
from sekisho.deduction.naming import name_groups

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from sekisho.contract import Bindings
    from sekisho.deduction.forms import Slot

__all__ = ["Said", "axes_of"]

_LARGEST_NUMBER: Final = 4
_FEW: Final = 3


class Said(NamedTuple):
    """What code says of a function's axes.

    Attributes:
        names: what its own code calls them, by parameter, path and number of the axis.
        near: what other functions call those that are handed on.
        numbers: the integers that its code mentions.
    """

    names: Mapping[tuple[str, tuple[str, ...], int], str] = {}
    near: Mapping[tuple[str, tuple[str, ...], int], str] = {}
    numbers: frozenset[int] = frozenset()


def axes_of(
    slots: Sequence[Slot], arguments: Mapping[str, Mapping[int, int]], said: Said
) -> dict[Slot, str]:
    """The axis string of each slot.

    Args:
        slots: in the order in which their axes are bound.
        arguments: the arguments that are integers, by their names: the value in each call.
        said: what the code says.
    """
    layouts = lay_out(slots)
    calls = different_calls(slots)
    columns = [column for layout in layouts.values() for column in layout.columns]
    groups = group_columns(columns, calls)
    absorb(layouts, groups)
    words = _words(groups, arguments, said, calls)
    texts = {slot: _text(layout, words) for slot, layout in layouts.items()}
    return _kept(texts, slots, arguments)


def different_calls(slots: Iterable[Slot]) -> int:
    """How many calls there are that differ in their sizes."""
    vectors: dict[int, list[object]] = {}
    for slot in slots:
        for call, shape in slot.shapes:
            vectors.setdefault(call, []).append(shape)
    return len({tuple(each) for each in vectors.values()})


def _words(
    groups: list[Group], arguments: Mapping[str, Mapping[int, int]], said: Said, calls: int
) -> dict[int, str]:
    """What stands for each column, by its identity."""
    numbers = {
        i: number for i, group in enumerate(groups) if (number := _number(group, said, calls))
    }
    named = [group for i, group in enumerate(groups) if i not in numbers]
    names = name_groups(named, said.names, said.near, arguments)
    words: dict[int, str] = {}
    for i, number in numbers.items():
        words |= {id(column): str(number) for column in groups[i].members}
    bases: list[tuple[str, Group]] = []
    for i, group in enumerate(named):
        is_single = len(group.members) == 1 or _are_results(group)
        found = (
            find_expression(group, bases, arguments) if is_single and (bases or arguments) else None
        )
        if found is not None:
            words |= {id(column): found for column in group.members}
            continue
        name = names.get(i)
        if name is None:
            continue
        bases.append((name, group))
        if calls < 2 and not _is_said(group, said):
            continue
        for column in group.members:
            start = "*" if column.is_run else "#" if group.broadcasts(column) else ""
            words[id(column)] = f"{start}{name}"
    return words


def _are_results(group: Group) -> bool:
    return all(column.slot.name in {"return", "yield"} for column in group.members)


def _is_said(group: Group, said: Said) -> bool:
    return any((c.slot.name, c.slot.path, c.index) in said.names for c in group.members)


def _number(group: Group, said: Said, calls: int) -> int:
    """The number that an axis always is; 0 if that would say too much.

    A size that is the same in all calls is a number if at least three calls differ elsewhere, and it
    is 1, or the code mentions it, or it is at most 4 and the last axis of something whose other axes
    differ: colours, coordinates. Else it is what the tests happened to use, and has a name.
    """
    if group.is_run or group.different != 1 or calls < _FEW:
        return 0
    size = next(iter(group.sizes.values()))
    assert isinstance(size, int)
    if size == 1 or (size in said.numbers and size > 1):
        return size
    if size <= _LARGEST_NUMBER and any(_is_last(column) for column in group.members):
        return size
    return 0


def _is_last(column: Column) -> bool:
    shapes = {shape for _, shape in column.slot.shapes}
    ranks = column.slot.ranks
    is_last = column.index == -1 or (column.index > 0 and ranks == {column.index + 1})
    return is_last and len(shapes) >= _FEW


def _text(layout: Layout, words: Mapping[int, str]) -> str:
    return " ".join(
        words.get(id(column), "..." if column.is_run else "_") for column in layout.columns
    )


def _kept(
    texts: Mapping[Slot, str], slots: Sequence[Slot], arguments: Mapping[str, Mapping[int, int]]
) -> dict[Slot, str]:
    """The same, held against every call by the rules of the guard; what does not fit says its rank only."""
    calls = sorted({call for slot in slots for call, _ in slot.shapes})
    kept = dict(texts)
    for call in calls:
        bound: Bindings = {
            f"{{{name}}}": values[call] for name, values in arguments.items() if call in values
        }
        for slot in slots:
            for number, shape in slot.shapes:
                if number == call and match_shape(parse_axes(kept[slot]), shape, bound) is not None:
                    kept[slot] = "..." if len(slot.ranks) > 1 else " ".join("_" * len(shape))
    return kept
