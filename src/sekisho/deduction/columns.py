"""The sizes of each axis over all calls, and which axes are the same axis.

Two axes are the same if they were equal in every call that had both, and if one of these holds:

- they had several sizes;
- they had one size in several uses, and it is too unlikely for any other axis of the call;
- they are at the same place of two arrays whose other axes are the same.

A size that was 1 in all calls is no evidence: the next call may have another one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from sekisho.deduction.evidence import CLAIMS

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from sekisho.deduction.forms import Slot

__all__ = ["Column", "Group", "Layout", "absorb", "group_columns", "lay_out", "never_contradict"]

Size = int | tuple[int, ...]
Sizes = dict[int, Size]
"""Size by the number of the call; for a run of axes, its sizes."""

_UNLIKELY: Final = 5
"""Smallest size that is evidence by itself: two axes that always have it may be the same."""


class Column:
    """One axis of a slot, or the run of axes whose number differs from call to call.

    Attributes:
        slot: the slot of the axis.
        index: its index from the left; from the right, if a run of axes precedes it.
        sizes: its size in each call that has the slot.
        varies: whether its size differed within a call, as for items of a list.
        is_run: whether it is the run of axes.
    """

    def __init__(self, slot: Slot, index: int, *, is_run: bool = False) -> None:
        self.slot: Slot = slot
        self.index: int = index
        self.is_run: bool = is_run
        self.sizes: Sizes = {}
        self.varies: bool = False

    def __repr__(self) -> str:
        return f"<{self.slot}[{self.index}]>"

    def add(self, call: int, size: Size) -> None:
        """Add the size that it has in a call."""
        if call in self.sizes and self.sizes[call] != size:
            self.varies = True
        self.sizes[call] = size

    @property
    def different(self) -> int:
        """The number of different sizes."""
        return len(set(self.sizes.values()))

    @property
    def from_right(self) -> int:
        """Its index from the right."""
        return self.index if self.index < 0 else self.index - min(self.slot.ranks)


class Layout(NamedTuple):
    """The columns of a slot, from left to right."""

    slot: Slot
    columns: tuple[Column, ...]


def _columns_of(slot: Slot, before: int, after: int) -> Layout:
    """Return columns with a run of axes between the first `before` and the last `after` axes."""
    first = [Column(slot, i) for i in range(before)]
    last = [Column(slot, i - after) for i in range(after)]
    run = Column(slot, before, is_run=True)
    for call, shape in slot.shapes:
        for column in (*first, *last):
            column.add(call, shape[column.index])
        run.add(call, shape[before : len(shape) - after])
    return Layout(slot, (*first, run, *last))


def _fixed(slot: Slot) -> Layout:
    (rank,) = slot.ranks
    columns = tuple([Column(slot, i) for i in range(rank)])
    for call, shape in slot.shapes:
        for column, size in zip(columns, shape, strict=True):
            column.add(call, size)
    return Layout(slot, columns)


def _agree(a: Column, b: Column) -> bool:
    """Return whether two columns have calls in common, and are equal in all of them."""
    shared = a.sizes.keys() & b.sizes.keys()
    return bool(shared) and all(a.sizes[call] == b.sizes[call] for call in shared)


def lay_out(
    slots: Sequence[Slot],
    batched: Mapping[tuple[str, tuple[str, ...]], tuple[int, int]] | None = None,
) -> dict[Slot, Layout]:
    """Find the columns of all slots.

    Where the rank of a slot differs, the run of axes comes first (``*batch h w``), followed by as
    many axes as make it equal to the run of another slot. It comes last (``b *rest``) only if that
    is the only way to make the first axis equal to another one. Where the code or the docstring says
    where the run is, as in ``(..., n, n)``, it is there.

    Args:
        slots: in the order in which their axes are bound.
        batched: the number of axes before the run and behind it, by place.
    """
    layouts = {slot: _fixed(slot) for slot in slots if len(slot.ranks) == 1}
    loose = [slot for slot in slots if len(slot.ranks) > 1]
    told = {
        slot: _columns_of(slot, *ends)
        for slot in loose
        if (ends := (batched or {}).get((slot.name, slot.path))) and sum(ends) <= min(slot.ranks)
    }
    choices = {
        slot: [told[slot]]
        if slot in told
        else [_columns_of(slot, 0, after) for after in range(min(slot.ranks), -1, -1)]
        for slot in loose
    }
    layouts |= told
    for slot in (each for each in loose if each not in told):
        # max returns the first of equals: the layout with the most axes after the run
        best = max(choices[slot], key=lambda layout: _shared_runs(layout, slot, choices))
        if not _shared_runs(best, slot, choices) and min(slot.ranks) > 0:
            leading = _columns_of(slot, 1, 0)
            firsts = [layout.columns[0] for layout in layouts.values() if layout.columns]
            others = [
                column
                for layout in layouts.values()
                for column in layout.columns
                if any(_agree(column, each) for each in best.columns[1:])
            ]
            if not others and any(
                _agree(leading.columns[0], each) and each.different > 1 for each in firsts
            ):
                best = leading
        layouts[slot] = best
    return {slot: layouts[slot] for slot in slots}


def _shared_runs(layout: Layout, slot: Slot, choices: dict[Slot, list[Layout]]) -> int:
    run = layout.columns[0]
    return sum(
        any(_agree(run, other.columns[0]) for other in layouts)
        for each, layouts in choices.items()
        if each is not slot
    )


class Group:
    """Axes that are the same axis.

    Attributes:
        members: its columns, in the order of the slots.
        sizes: its size in each call that has any of them; if one of two is 1, the larger one.
        is_required: whether the code requires that they are equal.
    """

    def __init__(self, first: Column) -> None:
        self.members: list[Column] = [first]
        self.sizes: Sizes = dict(first.sizes)
        self.is_required: bool = False

    def __repr__(self) -> str:
        return f"<group {self.members}>"

    @property
    def different(self) -> int:
        """The number of different sizes."""
        return len(set(self.sizes.values()))

    @property
    def only_size(self) -> int | None:
        """The size that an axis had in all calls; None if there are several, or if it is a run."""
        sizes = {*self.sizes.values()}
        size = sizes.pop() if len(sizes) == 1 else None
        return size if isinstance(size, int) else None

    @property
    def is_run(self) -> bool:
        """Whether it is a run of axes."""
        return self.members[0].is_run

    def broadcasts(self, column: Column) -> bool:
        """Return whether a member was 1 in a call in which the others were not."""
        return not column.is_run and any(
            size == 1 and self.sizes[call] != 1 for call, size in column.sizes.items()
        )

    def add(self, column: Column) -> None:
        """Add a column that is equal to it."""
        self.members.append(column)
        for call, size in column.sizes.items():
            if call not in self.sizes or self.sizes[call] == 1:
                self.sizes[call] = size


def never_contradict(group: Group, members: Iterable[Column]) -> bool:
    """Whether columns have calls in common with a group, and are equal to it in all of them."""
    return all(
        (shared := member.sizes.keys() & group.sizes.keys())
        and all(member.sizes[call] == group.sizes[call] for call in shared)
        for member in members
    )


def group_columns(columns: Iterable[Column], calls: int, uses: int) -> list[Group]:
    """Group the columns that are the same axis.

    Args:
        columns: in the order of the slots.
        calls: the number of calls that differ in their sizes; one call is no evidence.
        uses: the number of callers, or tests, that made the calls.
    """
    by_one_size = CLAIMS["equal by one size"].holds(calls=calls, uses=uses)
    groups: list[Group] = []
    late: list[Column] = []
    for column in columns:
        if column.varies:
            continue
        # in a single call, equal sizes may be chance
        found = _equal_group(column, groups, by_one_size=by_one_size) if calls > 1 else None
        if found is not None:
            found.add(column)
        elif calls > 1 and _broadcast_group(column, groups) is not None:
            late.append(column)
        else:
            groups.append(Group(column))
    _join_neighbours(groups)
    groups = [part for group in groups for part in _without_squares(group, calls, uses)]
    for column in late:  # by now their groups have all members that are always equal
        found = _broadcast_group(column, groups)
        if found is None or (_is_result(column) and _would_broadcast(column, found)):
            groups.append(Group(column))
        else:
            found.add(column)
    return groups


def _join_neighbours(groups: list[Group]) -> None:
    """Merge axes that never change and are at the same place of two similar arrays."""
    homes = {(m.slot, m.index): group for group in groups for m in group.members}

    def are_alike(a: Column, b: Column) -> bool:
        """Return whether the two arrays share another axis that has had more than one size."""
        return a.index == b.index and any(
            index != a.index and group.different > 1 and homes.get((b.slot, index)) is group
            for (slot, index), group in homes.items()
            if slot is a.slot
        )

    for group in tuple(groups):
        earlier = groups[: groups.index(group)]
        for other in earlier:
            if _never_differ(group, other) and any(
                a.slot.ranks == b.slot.ranks and a.slot is not b.slot and are_alike(a, b)
                for a in group.members
                for b in other.members
            ):
                for column in group.members:
                    other.add(column)
                    homes[column.slot, column.index] = other
                groups.remove(group)
                break


def _without_squares(group: Group, calls: int, uses: int) -> list[Group]:
    """The same group, or several: tests like to take squares, of one array alone, and of two."""
    slots = [member.slot for member in group.members]
    if len({*slots}) == 1:
        return [Group(member) for member in group.members]
    # Squares of several arguments may only be alike; the result of one is made of it: no evidence.
    given = [slots.count(slot) for slot in {m.slot for m in group.members if not _is_result(m)}]
    claim = CLAIMS["squares" if len(given) > 1 and 1 not in given else "square"]
    is_alone = len(given) == 1 and 1 not in given
    holds = not is_alone and claim.holds(calls=calls, sizes=group.different, uses=uses)
    if holds or len({*slots}) == len(slots):
        return [group]
    # The first axes of the arrays form one group, their second axes another one.
    parts: dict[int, Group] = {}
    for number, member in enumerate(group.members):
        earlier = slots[:number].count(member.slot)
        if earlier in parts:
            parts[earlier].add(member)
        else:
            parts[earlier] = Group(member)
    return [*parts.values()]


def _never_differ(a: Group, b: Group) -> bool:
    shared = a.sizes.keys() & b.sizes.keys()
    same = {a.sizes[call] for call in shared} | {b.sizes[call] for call in shared}
    return bool(shared) and a.is_run == b.is_run and len(same) == 1 and same != {1}


def _is_result(column: Column) -> bool:
    return column.slot.name in {"return", "yield"}


def _would_broadcast(column: Column, group: Group) -> bool:
    return any(size == 1 and group.sizes.get(call, 1) != 1 for call, size in column.sizes.items())


def _equal_group(column: Column, groups: Sequence[Group], *, by_one_size: bool) -> Group | None:
    """Return the group that a column belongs to, by the most sizes; None if none is certain."""
    fitting: list[tuple[int, int, Group]] = []
    for number, group in enumerate(groups):
        shared = column.sizes.keys() & group.sizes.keys()
        if group.is_run != column.is_run or not shared:
            continue
        if all(column.sizes[call] == group.sizes[call] for call in shared):
            sizes = {column.sizes[call] for call in shared}
            fitting.append((len(sizes), -number, group))
    # several sizes are stronger evidence than any single one
    strong = [each for each in fitting if each[0] > 1]
    if strong:
        return max(strong, key=lambda each: each[:2])[2]
    if len(fitting) == 1 and by_one_size:
        group = fitting[0][2]
        alone = all(member.slot is not column.slot for member in group.members)
        if alone and (column.is_run or _is_unlikely(column, group)):
            return group
    return None


def _is_unlikely(column: Column, group: Group) -> bool:
    """Return whether the single size that both always have is evidence that they are the same."""
    shared = column.sizes.keys() & group.sizes.keys()
    size = column.sizes[next(iter(shared))]
    return isinstance(size, int) and size >= _UNLIKELY


def _broadcast_group(column: Column, groups: Sequence[Group]) -> Group | None:
    """Return the group that a column broadcasts to: equal, except for sizes of 1, and aligned."""
    if column.is_run:
        return None
    found: list[tuple[int, int, Group]] = []
    for number, group in enumerate(groups):
        shared = column.sizes.keys() & group.sizes.keys()
        if group.is_run or not shared or not any(_is_aligned(column, m) for m in group.members):
            continue
        pairs = [(column.sizes[call], group.sizes[call]) for call in shared]
        if all(a == b or 1 in (a, b) for a, b in pairs):
            same = {a for a, b in pairs if a == b != 1}
            if len(same) > 1 and any(a != b for a, b in pairs):
                found.append((len(same), -number, group))
    return max(found, key=lambda each: each[:2])[2] if found else None


def _is_aligned(a: Column, b: Column) -> bool:
    """Return whether two columns are equally far from the right, so that NumPy would broadcast them."""
    return a.slot is not b.slot and a.from_right == b.from_right


def absorb(layouts: dict[Slot, Layout], groups: list[Group]) -> None:
    """Merge the axis after a run into the run when exactly the same arrays share both.

    So an elementwise function gets ``*shape``, and no axis has a name that is used once. An axis
    that always has one size is not merged.
    """
    for run in [group for group in groups if group.is_run and len(group.members) > 1]:
        while True:
            behind = [_behind(layouts[member.slot], member) for member in run.members]
            group = next((each for each in groups if behind[0] in each.members), None)
            if group is None or group.different == 1 or {*group.members} != {*behind}:
                break
            groups.remove(group)
            for member in run.members:
                layout = layouts[member.slot]
                at = layout.columns.index(member)
                sizes = layout.columns[at + 1].sizes
                member.sizes = {
                    call: _as_run(held) + _as_run(sizes[call])
                    for call, held in member.sizes.items()
                }
                rest = (*layout.columns[: at + 1], *layout.columns[at + 2 :])
                layouts[member.slot] = Layout(member.slot, rest)
            run.sizes = {call: size for m in run.members for call, size in m.sizes.items()}


def _as_run(size: Size) -> tuple[int, ...]:
    return size if isinstance(size, tuple) else (size,)


def _behind(layout: Layout, run: Column) -> Column | None:
    following = layout.columns[layout.columns.index(run) + 1 :]
    return following[0] if following else None
