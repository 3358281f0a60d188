"""The axes that all calls of a function satisfy, in jaxtyping's notation."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from sekisho.contract import match_shape, parse_axes
from sekisho.deduction.broadcasting import broadcasting_in, with_ends
from sekisho.deduction.columns import (
    Column,
    Group,
    Layout,
    absorb,
    group_columns,
    lay_out,
)
from sekisho.deduction.described import as_described, with_described
from sekisho.deduction.evidence import Weaker
from sekisho.deduction.expressions import find_expression
from sekisho.deduction.naming import name_groups
from sekisho.deduction.ranks import loosen
from sekisho.deduction.required import join_required

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from sekisho.contract import Bindings
    from sekisho.deduction.forms import Slot
    from sekisho.deduction.said import Said

__all__ = ["axes_of", "different_calls"]

_LARGEST_NUMBER: Final = 4
_FEW: Final = 3


def axes_of(
    slots: Sequence[Slot], arguments: Mapping[str, Mapping[int, int]], said: Said, uses: int = 1
) -> tuple[dict[Slot, str], list[Weaker]]:
    """Return the axis string of each slot, and the claims that are weaker than what came.

    Args:
        slots: in the order in which their axes are bound.
        arguments: the arguments that are integers, by name: the value in each call.
        said: what the code says.
        uses: the number of callers, or tests, that made the calls.
    """
    said, described = with_described(said, slots)
    said = with_ends(said, slots)
    layouts = lay_out(slots, said.batched)
    calls = different_calls(slots)
    columns = [column for layout in layouts.values() for column in layout.columns]
    groups = group_columns(columns, calls, uses)
    join_required(groups, said)
    groups = as_described(groups, described)
    absorb(layouts, groups)
    words = _words(groups, arguments, said, calls)
    weaker = [*_weaker_sizes(groups, words, calls)]
    texts = {slot: _text(layout, words) for slot, layout in layouts.items()}
    weaker += loosen(texts, said, calls=calls, uses=uses)
    return _kept(texts, slots, arguments), weaker


def different_calls(slots: Iterable[Slot]) -> int:
    """Count the calls that differ in their sizes; calls with empty arrays alone are no evidence."""
    vectors: dict[int, list[tuple[int, ...]]] = {}
    for slot in slots:
        for call, shape in slot.shapes:
            vectors.setdefault(call, []).append(shape)
    return len({tuple(each) for each in vectors.values() if not all(0 in shape for shape in each)})


def _words(
    groups: list[Group], arguments: Mapping[str, Mapping[int, int]], said: Said, calls: int
) -> dict[int, str]:
    """Return the word for each column, by its identity."""
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
        # an axis that several arguments share gets a name, which says more than an expression
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
            # a name that is used once says no more than `_`, and a shared name needs two calls as
            # evidence
            continue
        broadcasts = broadcasting_in(group, said)
        for column in group.members:
            may_be_one = group.broadcasts(column) or column in broadcasts
            start = f"{'*' if column.is_run else ''}{'#' if may_be_one else ''}"
            words[id(column)] = f"{start}{name}"
    return words


def _are_results(group: Group) -> bool:
    return all(column.slot.name in {"return", "yield"} for column in group.members)


def _is_said(group: Group, said: Said) -> bool:
    named = any((c.slot.name, c.slot.path, c.index) in said.names for c in group.members)
    return named or group.is_required


def _number(group: Group, said: Said, calls: int) -> int:
    """Return the number that an axis must have according to the code; 0 if there is none.

    A size that the code requires is such a number. So is a size that the code writes out, if the
    axis has it in three or more different calls, and is the last axis of its array or an axis of
    the result.
    """
    size = group.only_size
    if size is None:
        return 0
    if any(_required(column, said) == size for column in group.members):
        return size
    is_written = size > 1 and size in said.literals and calls >= _FEW
    if is_written and any(_is_last(each) or _is_result(each) for each in group.members):
        return size
    return 0


def _required(column: Column, said: Said) -> int | None:
    if column.slot.path:
        return None
    if len(column.slot.ranks) != 1:  # numbered from the right, behind a run
        return said.sizes.get((column.slot.name, column.index)) if column.index < 0 else None
    (rank,) = column.slot.ranks
    index = column.index % rank
    found = said.sizes.get((column.slot.name, index))
    return found if found is not None else said.sizes.get((column.slot.name, index - rank))


def _weaker_sizes(
    groups: Iterable[Group], words: Mapping[int, str], calls: int
) -> Iterator[Weaker]:
    """Yield sizes that never changed and look like a requirement, but that no code requires."""
    for group in groups:
        size = group.only_size
        if size is None or calls < _FEW:
            continue
        for column in group.members:
            if words.get(id(column), "") == str(size):
                continue
            if size == 1 or (size <= _LARGEST_NUMBER and _is_last(column)):
                claim = "one" if size == 1 else "size"
                seen = f"axis {column.index} was always {size}"
                yield Weaker(column.slot.name, claim, seen)


def _is_result(column: Column) -> bool:
    return column.slot.name in {"return", "yield"}


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
    """Check axis strings against every call with the guard's rules; reduce those that fail to ranks."""
    calls = sorted({call for slot in slots for call, _ in slot.shapes})
    kept = dict(texts)
    for call in calls:
        bound: Bindings = {
            f"{{{name}}}": values[call] for name, values in arguments.items() if call in values
        }
        for slot in slots:
            for number, shape in slot.shapes:
                # the guard's own matcher decides, so that no recorded call can fail
                if number == call and match_shape(parse_axes(kept[slot]), shape, bound) is not None:
                    kept[slot] = "..." if len(slot.ranks) > 1 else " ".join("_" * len(shape))
    return kept
