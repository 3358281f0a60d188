"""Axes that broadcast: the code combines them by operations that take 1, or fewer axes, just as well."""

from __future__ import annotations

from itertools import combinations
from typing import TYPE_CHECKING

from sekisho.contract import match_shape, parse_axes
from sekisho.deduction.forms import RESULTS

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from sekisho.contract import Bindings
    from sekisho.deduction.columns import Column, Group
    from sekisho.deduction.forms import Slot
    from sekisho.deduction.said import Said

__all__ = ["broadcasting_in", "place_of", "share_runs", "with_ends"]


def with_ends(said: Said, slots: Iterable[Slot]) -> Said:
    """Return what the code says, with the axes behind those that broadcast counted in one way.

    Where a docstring or another function speaks of more last axes, fewer axes broadcast. A number that
    was never an array does not take part, unless it may be None.
    """
    arrays = {slot.name for slot in slots if not slot.path}
    batched = dict(said.batched)
    together: list[Mapping[str, int]] = []
    for ends in said.together:
        absent = said.optional - arrays
        given = [name for name in ends if name in arrays and name not in RESULTS]
        free = [name for name in given if name in said.free and name not in said.ranked]
        if len(free) < len(given) or not absent.isdisjoint(ends):
            # what is combined with an array of certain axes may have fewer, or more
            for name in free if len(given) > 1 else ():
                batched.setdefault((name, ()), (0, said.tails.get(name, 0)))
            continue
        told = {name: batched.get((name, ()), (0, said.tails.get(name, 0))) for name in given}
        if any(before for before, _ in told.values()):
            continue
        more = max([0, *(told[name][1] - ends[name] for name in given)])
        together.append({name: end + more for name, end in ends.items()})
        batched |= {(name, ()): (0, ends[name] + more) for name in given}
    return said._replace(batched=batched, together=tuple(together))


def broadcasting_in(group: Group, said: Said) -> list[Column]:
    """Return the axes of arguments that may be 1 where the others of their group are not.

    A run of axes in front of several arguments is their batch, which functions broadcast unless they
    say otherwise. One axis may be 1 where the code combines the arguments by operations that broadcast,
    and does not speak of the axis.
    """
    members = [each for each in group.members if each.slot.name not in RESULTS]
    names = {each.slot.name for each in members}
    if group.is_run:
        pairs = map(frozenset, combinations(sorted(names), 2))
        return [] if said.tied.issuperset(pairs) else members
    loose = frozenset[str]().union(*(pair for pair in said.loose if pair <= names))
    return [
        each
        for each in members
        if each.slot.name in loose and each.from_right < -said.tails.get(each.slot.name, 0)
    ]


def share_runs(texts: dict[Slot, str], said: Said) -> list[Slot]:
    """Give arrays of any rank that the code broadcasts together one run of axes; return the changed.

    ``a - b`` becomes ``*#shape`` twice and ``*shape`` for the result. An argument alone has
    ``*shape``, and so has what is made of it.

    Args:
        texts: the axis string of each slot, changed in place.
        said: what the code says.
    """
    changed: list[Slot] = []
    for ends in said.together:
        slots = {slot: ends[place_of(slot)] for slot in texts if place_of(slot) in ends}
        given = [slot for slot in slots if slot.name not in RESULTS]
        if not given:
            continue
        led = _led(texts, _front(texts, given, ends), {*slots, *changed})
        others = [text for slot, text in texts.items() if slot not in slots and slot not in led]
        start = _free_name(others, is_all=not any(slots.values()))
        run = "*#" if any(pair <= {slot.name for slot in given} for pair in said.loose) else "*"
        shared = {
            slot: text
            for slot, end in slots.items()
            if (text := _shared(slot, texts[slot], end, f"{run}{start}"))
        }
        if not shared.keys() >= {*given} or not _fit({slot: shared[slot] for slot in given}):
            continue
        if not _fit(shared):  # a result may be made otherwise than it looks
            shared = {slot: shared[slot] for slot in given}
        shared |= {slot: " ".join([f"*{start}", *rest]) for slot, rest in led.items()}
        if len(shared) > 1:
            texts |= shared
            changed += shared
    return changed


def place_of(slot: Slot) -> str:
    """Return the name of a place, with the path inside of it: ``return[0]``."""
    return f"{slot.name}{''.join(slot.path)}"


def _free_name(texts: Iterable[str], *, is_all: bool) -> str:
    """Return a name for a run that no other array has."""
    taken = {word.lstrip("*#") for text in texts for word in text.split()}
    names = ("shape", "batch") if is_all else ("batch", "shape")
    return next(
        name for name in (*names, *(f"shape{i}" for i in range(2, 99))) if name not in taken
    )


def _shared(slot: Slot, text: str, end: int, run: str) -> str:
    """Return the axis string with a run in front of the last axes; "" if there are too few."""
    words = text.split()
    kept = words[len(words) - end :]
    is_short = min(slot.ranks) < end or len(words) < end
    if is_short or any(word.lstrip("#").startswith(("*", "...")) for word in kept):
        return ""
    return " ".join([run.replace("#", "") if slot.name in RESULTS else run, *kept])


def _fit(texts: Mapping[Slot, str]) -> bool:
    """Whether the runs hold in every call, whatever the other axes are."""
    bound: dict[int, Bindings] = {}
    for slot, text in texts.items():
        run, *rest = text.split()
        axes = parse_axes(" ".join([run, *("_" for _ in rest)]))
        for call, shape in slot.shapes:
            if match_shape(axes, shape, bound.setdefault(call, {})) is not None:
                return False
    return True


def _front(
    texts: Mapping[Slot, str], given: list[Slot], ends: Mapping[str, int]
) -> tuple[str, ...]:
    """Return the axes that the argument with the most of them has in front."""
    words = {slot: texts[slot].replace("#", "").split() for slot in given}
    fronts = [tuple(each[: len(each) - ends[place_of(slot)]]) for slot, each in words.items()]
    return max(fronts, key=len)


def _led(
    texts: Mapping[Slot, str], front: tuple[str, ...], changed: set[Slot]
) -> dict[Slot, list[str]]:
    """Return other results that begin with the same axes, and their axes behind these.

    None if other arguments begin with them, too: the result may follow these.
    """
    found = {
        slot: words[len(front) :]
        for slot, text in texts.items()
        if front and slot not in changed
        if tuple(words := text.replace("#", "").split())[: len(front)] == front
    }
    return found if RESULTS.issuperset(slot.name for slot in found) else {}
