"""The contract of a function: the forms of its arguments and results, their axes and its world."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from sekisho.deduction.claims import left_out, widened, words_of
from sekisho.deduction.evidence import Weaker
from sekisho.deduction.forms import RESULTS, WRITTEN, Form, Slot, merge, parts_of, slots_of
from sekisho.deduction.ranks import without_lone_runs
from sekisho.deduction.sizes import axes_of, different_calls
from sekisho.worlds import HOST

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

    from sekisho.deduction.said import Said
    from sekisho.tracer import Call, Described, DescribedArray, Observed

__all__ = ["Deduced", "deduce", "dtypes_of"]


class Deduced(NamedTuple):
    """The contract that all calls of a function satisfy, as far as it is certain.

    Attributes:
        observed: the calls.
        kind: the decorator that fits: ``numpy_world``, ..., ``same_world``, ``boundary``; "" if
            there are no arrays, or if it is not clear.
        forms: for each parameter, ``return`` and ``yield``: what came, and what may come.
        axes: the axis string of each place of arrays.
        words: the dtype word of each place of arrays.
        calls: the number of calls that returned or yielded; calls that raised are ignored.
        different: the number of calls that differ in their sizes.
        left_out: the places that get no annotation.
        weaker: the claims that are weaker than what came.
        has_arrays: whether the calls passed or returned arrays.
    """

    observed: Observed
    kind: str
    forms: Mapping[str, Form]
    axes: Mapping[Slot, str]
    words: Mapping[Slot, str]
    calls: int
    different: int
    left_out: Mapping[str, Weaker]
    weaker: tuple[Weaker, ...]
    has_arrays: bool


def deduce(
    observed: Observed,
    said: Said,
    *,
    star: str = "",
    stars: str = "",
    world: str = "",
    uses: int | None = None,
) -> Deduced:
    """Find the contract that all calls of a function satisfy.

    Args:
        observed: the calls. Those that raised are ignored, as their input may have been bad.
        said: what the code says.
        star: the name of ``*args``; its annotation applies to each of the arguments.
        stars: the name of ``**kwargs``.
        world: whose world its code is found to be in by reading: ``boundary`` if it crosses; "" if
            nothing is found.
        uses: how many functions its calls come from; None if these are those that were seen to call it.
    """
    calls = [call for call in observed.calls if call.kind != "raise"]
    uses = observed.uses if uses is None else uses
    came, said = _with_unions(dict(_forms(observed, calls, star, stars)), said)
    kind, weaker = _decorator(calls, came, said, world)
    forms: dict[str, Form] = {}
    for name, form in came.items():
        forms[name], wider = widened(name, form, said)
        weaker += wider
    left = {name: why for name, form in came.items() if (why := left_out(name, form, said, uses))}
    slots = [*slots_of(forms.values())]
    # An argument that may be None is no size: without it, the code takes another one.
    integers = {n: v for n, v in _integers(observed, calls).items() if n not in said.optional}
    # Where an argument of NumPy's may be a number, the result may be one, too.
    numbers = {
        name: 0
        for name, why in left.items()
        if why.claim == "array" and (slot := came[name].slot) and HOST.name in slot.worlds
    }
    said = said._replace(open={**numbers, **said.open})
    axes, unsure = axes_of(slots, integers, said, uses)
    words, kinds = words_of(slots, said, uses)
    without_lone_runs(axes, left)
    if doubt := _doubtful_result(slots, axes, said, left):
        left.setdefault("return", Weaker("return", "result", doubt))
    without_lone_runs(axes, left)
    shown = [each for each in (*weaker, *unsure, *kinds) if each.place not in left]
    return Deduced(
        observed,
        kind,
        forms,
        axes,
        words,
        sum(observed.calls[call] for call in calls),
        different_calls(slots),
        left,
        tuple(shown),
        has_arrays=bool(_worlds_of(calls)),
    )


def _forms(
    observed: Observed, calls: Sequence[Call], star: str, stars: str
) -> Iterator[tuple[str, Form]]:
    for index, name in enumerate(observed.parameters):
        seen = [(number, call.given[index]) for number, call in enumerate(calls)]
        if name in {star, stars}:
            seen = [(number, part) for number, said in seen for part in parts_of(said)]
        if seen:
            yield name, merge(name, seen)
    for kind in ("yield", "return"):
        seen = [
            (n, call.result) for n, call in enumerate(calls) if call.kind == kind and call.result
        ]
        if seen:
            yield kind, merge(kind, seen)


def _with_unions(came: dict[str, Form], said: Said) -> tuple[dict[str, Form], Said]:
    """Return forms with the classes that the code asks for, and what it says without these questions."""
    unions = {
        name: form for name in said.unions if (form := _as_union(came.get(name), said.unions[name]))
    }
    left = {name: at for name, at in said.open.items() if name not in unions}
    return came | unions, said._replace(open=left)


def _as_union(form: Form | None, classes: tuple[str, ...]) -> Form | None:
    """Return a form with the classes that the code asks for; None if arrays or other objects never came."""
    is_one = form is not None and form.slot is not None and form.items is None and form.classes
    if form is None or not is_one or any(module == "builtins" for module, _ in form.classes):
        return None
    return form._replace(classes=frozenset((WRITTEN, each) for each in classes))


def _integers(observed: Observed, calls: Sequence[Call]) -> dict[str, dict[int, int]]:
    """Return the arguments that were a non-negative integer in every call, so might be a size."""
    found: dict[str, dict[int, int]] = {}
    for index, name in enumerate(observed.parameters):
        values = [call.given[index] for call in calls]
        sizes = [said[1] for said in values if said[0] == "int" and said[1] >= 0]
        if sizes and len(sizes) == len(values):
            found[name] = dict(enumerate(sizes))
    return found


def _worlds_of(calls: Sequence[Call]) -> set[str]:
    return {world for call in calls for world in _worlds_in(_every(call))}


def _decorator(
    calls: Sequence[Call], forms: Mapping[str, Form], said: Said, world: str
) -> tuple[str, list[Weaker]]:
    """Return the decorator that fits what came and what the code would do with other libraries."""
    every = _worlds_of(calls)
    if not every:
        return "", []
    takes = all(_worlds_in(call.given) or not _worlds_in(_every(call)) for call in calls)
    takes_any = any(_worlds_in(call.given) for call in calls)
    is_mixed = any(len(_worlds_in(_every(call))) > 1 for call in calls)
    if is_mixed or world == "boundary" or (len(every) > 1 and not takes):
        return "boundary", []
    if len(every) > 1:
        return "same_world", []
    (only,) = every
    asks = [name for name, form in forms.items() if name in said.any_library and form.holds_arrays]
    # The map was told what came: where the code uses no library it says no more than that.
    is_read = world == only and (only in said.libraries or not takes_any)
    if not asks and ({*said.libraries} == every or is_read):
        return f"{only}_world", []
    if not asks and not said.libraries and takes and not said.differs:
        return "same_world", [Weaker("", "world", f"only {only} came, and its code works with any")]
    seen = (
        f"only {only} came, and its code asks what '{asks[0]}' is" if asks else f"only {only} came"
    )
    return "", [Weaker("", "world", seen)]


def _doubtful_result(
    slots: Sequence[Slot], axes: Mapping[Slot, str], said: Said, left: Collection[str]
) -> str:
    """Return why a result that was an array may be a number; "" if it may not."""
    results = [slot for slot in slots if slot.name in RESULTS]
    if any(_may_have_no_axes(slot, axes) for slot in results):
        return "it may have no axes"
    given = {slot.name for slot in slots} - RESULTS
    # A library's function gives an array whatever comes.
    is_open = bool(results and given) and given <= {*left} and not said.libraries
    return "it may be a number" if is_open else ""


def _may_have_no_axes(slot: Slot, axes: Mapping[Slot, str]) -> bool:
    """Whether a result of NumPy's may be a number, which it returns instead of an array without axes.

    A run alone may be empty, if the arguments that have it have other axes, too.
    """
    text = axes[slot]
    if HOST.name not in slot.worlds or len(text.split()) > 1:
        return False
    same = [each for each in axes.values() if each.replace("#", "") == text]
    return text == "..." or (text.startswith("*") and len(same) < 2)


def dtypes_of(observed: Observed) -> set[str]:
    """Return the dtypes of all arrays that a function was called with."""
    return {
        dtype
        for call in observed.calls
        if call.kind != "raise"
        for _, _, dtype, *_ in _arrays_in(_every(call))
    }


def _every(call: Call) -> tuple[Described, ...]:
    """All that came in a call: its arguments, and its result."""
    return call.given if call.result is None else (*call.given, call.result)


def _arrays_in(values: Iterable[Described]) -> Iterator[DescribedArray]:
    for said in values:
        if said[0] == "array":
            yield said
        else:
            yield from _arrays_in(parts_of(said))


def _worlds_in(values: Iterable[Described]) -> set[str]:
    return {world for _, world, *_ in _arrays_in(values)}
