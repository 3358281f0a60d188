"""Axis strings that hold for arrays of any rank, for ranks that are not certain."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sekisho.deduction.broadcasting import place_of, share_runs
from sekisho.deduction.evidence import CLAIMS, Weaker
from sekisho.deduction.forms import RESULTS

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping

    from sekisho.deduction.forms import Slot
    from sekisho.deduction.said import Said

__all__ = ["loosen", "without_lone_runs"]


def loosen(texts: dict[Slot, str], said: Said, *, calls: int, uses: int) -> list[Weaker]:
    """Rewrite axes of an uncertain rank so that arrays of other ranks fit, and report which.

    Numbers at the end stay there (``... 4``). The other axes become ``*shape`` if a result has the
    axes of exactly one argument. They become the first axis and a run (``n ...``) if the first axis
    is certain, and ``...`` otherwise.

    Args:
        texts: the axis string of each slot, changed in place.
        said: what the code says.
        calls: the number of calls that differ in their sizes.
        uses: the number of callers, or tests, that made the calls.
    """
    for slot, text in texts.items():
        # The smallest rank that came is no minimum, unless other slots have the axes, too.
        if len(slot.ranks) > 1 and not slot.path and _is_alone(slot, texts):
            texts[slot] = "..."
        elif len(slot.ranks) > 1 and slot.name in RESULTS and "_" in text.split():
            texts[slot] = "..."  # an axis without a name may be missing in the next call
        elif place_of(slot) in said.varied:
            texts[slot] = "..."
    shared = share_runs(texts, said)
    rest = {slot: text for slot, text in texts.items() if slot not in shared}
    batched = [*_batch_described(rest, said, is_new=bool(shared)), *_batch_squares(rest, said)]
    texts |= rest
    batched += shared
    kept = {*shared, *_required_squares(texts, said)}
    open_slots = [
        slot
        for slot in _uncertain(texts, said, calls=calls, uses=uses)
        if (slot.name, slot.path) not in said.batched and slot not in kept
    ]
    split = {slot: _split(texts[slot]) for slot in open_slots}
    firsts = {*_first_axes(texts, said)}
    taken = {word.lstrip("*#") for text in texts.values() for word in text.split()}
    free = (name for name in ("shape", *(f"shape{i}" for i in range(2, 99))) if name not in taken)
    cores = dict.fromkeys(core for core, _ in split.values() if core and all(map(_is_name, core)))
    # The result may follow an argument that was None in all of these calls.
    is_closed = said.optional <= {slot.name for slot in texts}
    shapes = {
        core: f"*{next(free)}" for core in cores if is_closed and _is_of_one_argument(core, split)
    }
    for slot, (core, numbers) in split.items():
        if core in shapes:
            start = shapes[core]
        elif not numbers and core and core[0] in firsts:
            start = f"{core[0]} ..."
        else:
            start = "..."
        texts[slot] = " ".join([start, *numbers])
    unsure = [*open_slots, *(each for each in batched if each not in open_slots)]
    return [Weaker(each.name, "rank", _seen(each)) for each in unsure]


def without_lone_runs(texts: dict[Slot, str], left: Collection[str]) -> None:
    """Leave runs open that no second place has once places without an annotation are gone.

    The first axis in front of a run that nothing else has says no more.

    Args:
        texts: the axis string of each slot, changed in place.
        left: the places that get no annotation.
    """
    shown = [
        text for slot, text in texts.items() if slot.name.replace("yield", "return") not in left
    ]
    words = [word.replace("#", "") for text in shown for word in text.split()]
    for slot, text in texts.items():
        *first, last = text.split() or [""]
        is_alone = all(words.count(word) < 2 and _is_name(word) for word in first)
        kept = [] if is_alone and _is_lone_run(last, words) else first
        texts[slot] = " ".join(
            "..." if _is_lone_run(word, words) else word for word in (*kept, last)
        )


def _is_lone_run(word: str, words: list[str]) -> bool:
    return word.startswith("*") and words.count(word.replace("#", "")) < 2


def _first_axes(texts: Mapping[Slot, str], said: Said) -> Iterator[str]:
    """Yield the first axes that arguments have at any rank.

    Either the code counts them (``len(x)``), or arguments of several ranks share them, which
    broadcasting would not do.
    """
    ranks: dict[str, list[set[int]]] = {}
    for slot, text in texts.items():
        first = text.partition(" ")[0]
        if slot.name not in RESULTS and _is_name(first) and not first.startswith("*"):
            ranks.setdefault(first, []).append(slot.ranks)
            if not slot.path and (slot.name, (), 0) in said.names:
                yield first
    yield from (
        first for first, several in ranks.items() if any(each != several[0] for each in several)
    )


def _uncertain(texts: dict[Slot, str], said: Said, *, calls: int, uses: int) -> Iterator[Slot]:
    arguments = [slot for slot in texts if slot.name not in RESULTS]
    results = [slot for slot in texts if slot.name in RESULTS]
    certain = {slot for slot in texts if slot.name in said.ranked and not slot.path}
    # If an argument may be something else, or selects an axis, then the result may differ, too.
    is_open = said.picks_axis or any(slot.name in said.open for slot in arguments)
    if not is_open and CLAIMS["rank"].holds(calls=calls, uses=uses):
        return
    # Results computed from arrays of certain ranks have certain ranks, too. So have results without
    # array arguments, if their axes are integer arguments or numbers.
    is_written = not arguments and all({*texts[slot].split()} - {"_"} for slot in results)
    is_bound = bool(certain) or (is_written and not said.is_method)
    if is_bound and calls >= CLAIMS["rank"].calls and certain.issuperset(arguments) and not is_open:
        certain.update(results)
    yield from (slot for slot in texts if slot not in certain)


def _batch_described(texts: dict[Slot, str], said: Said, *, is_new: bool) -> list[Slot]:
    """Let other axes come where the code or the docstring says so; return the changed slots.

    Args:
        texts: the axis string of each slot, changed in place.
        said: what the code says.
        is_new: whether other slots have been changed in this way already.
    """
    changed: list[Slot] = []
    for slot, text in texts.items():
        ends = said.batched.get((slot.name, slot.path))
        words = text.split()
        if ends is None or len(slot.ranks) > 1 or sum(ends) > len(words):
            continue
        before, after = ends
        texts[slot] = " ".join([*words[:before], "...", *words[len(words) - after :]])
        changed.append(slot)
    if is_new or any(slot.name not in RESULTS for slot in changed):
        # What is made of such an argument has as many axes more.
        for slot, text in texts.items():
            is_said = (slot.name, slot.path) in said.batched or slot.name in said.ranked
            if slot.name in RESULTS and len(slot.ranks) == 1 and not is_said:
                texts[slot] = f"... {text}".rstrip()
                changed.append(slot)
    return changed


def _batch_squares(texts: dict[Slot, str], said: Said) -> list[Slot]:
    """Let functions of square matrices take batches, as in linear algebra; return the changed slots."""

    def is_square(slot: Slot) -> bool:
        words = texts[slot].split()
        return len(words) == 2 and len({*words}) == 1 and _is_name(words[0])

    arguments = [slot for slot in texts if slot.name not in RESULTS]
    squares = [slot for slot in arguments if is_square(slot) and slot.name not in said.ranked]
    if not squares:
        return []
    results = [slot for slot in texts if slot.name in RESULTS and len(slot.ranks) == 1]
    changed = [*squares, *(each for each in results if not texts[each].startswith("..."))]
    for slot in changed:
        texts[slot] = f"... {texts[slot]}".rstrip()
    return changed


def _required_squares(texts: Mapping[Slot, str], said: Said) -> Iterator[Slot]:
    """Yield batches of squares that the code requires, and results of the same axes: they hold at any rank."""
    required = {
        one[0] for one, other in said.equal if one[0] == other[0] and {one[1], other[1]} == {-1, -2}
    }
    squares = [
        slot
        for slot, text in texts.items()
        if slot.name in required and text.startswith("... ") and not slot.path
    ]
    axes = {word for slot in squares for word in texts[slot].split()}
    yield from squares
    yield from (
        slot
        for slot, text in texts.items()
        if slot.name in RESULTS and len(text.split()) > 1 and axes.issuperset(text.split())
    )


def _is_alone(slot: Slot, texts: Mapping[Slot, str]) -> bool:
    others = {word for other, text in texts.items() if other is not slot for word in text.split()}
    return not any(word in others or word.isdecimal() for word in texts[slot].split())


def _split(text: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Split off the numbers at the end of an axis string."""
    words = text.split()
    end = len(words)
    while end and words[end - 1].isdecimal():
        end -= 1
    return tuple(words[:end]), tuple(words[end:])


def _is_name(word: str) -> bool:
    return word.lstrip("*").isidentifier() and not word.startswith("_")


def _is_of_one_argument(
    core: tuple[str, ...], split: dict[Slot, tuple[tuple[str, ...], tuple[str, ...]]]
) -> bool:
    """Return whether one argument alone has these axes; of two, one may broadcast in the next call."""
    having = [slot.name for slot, (other, _) in split.items() if other == core]
    given = [name for name in having if name not in RESULTS]
    return len(given) == 1 and len(having) > 1


def _seen(slot: Slot) -> str:
    several = sorted(slot.ranks)
    return "1 axis" if several == [1] else f"{', '.join(map(str, several))} axes"
