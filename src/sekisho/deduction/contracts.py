"""The contract of a function: what came to each place in all calls, its axes and its world."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from sekisho.deduction.forms import Form, Slot, merge, slots_of
from sekisho.deduction.sizes import Said, axes_of, different_calls
from sekisho.worlds import class_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from sekisho.tracer import Call, Observed

__all__ = ["Deduced", "deduce"]


class Deduced(NamedTuple):
    """What the calls of a function have kept.

    Attributes:
        observed: the calls.
        kind: the decorator that fits: ``numpy_world``, ..., ``same_world``, ``boundary``; "" where
            no arrays come by.
        forms: what came to each parameter, and as ``return`` or ``yield``.
        axes: of each place of arrays.
        calls: how many there were that returned or yielded; of those that raised nothing is taken.
        different: how many differ in their sizes.
    """

    observed: Observed
    kind: str
    forms: Mapping[str, Form]
    axes: Mapping[Slot, str]
    calls: int
    different: int


def deduce(
    observed: Observed, said: Said, *, star: str = "", stars: str = "", crosses: bool = False
) -> Deduced:
    """Find the contract that the calls of a function have kept.

    Args:
        observed: the calls. Those that raised are bad input, perhaps, and tell nothing.
        said: what the code says of its axes.
        star: the name of ``*args``; what it is annotated with, each of them is.
        stars: the name of ``**kwargs``.
        crosses: whether its body is known to cross from one world to another.
    """
    calls = [call for call in observed.calls if call.kind != "raise"]
    forms = dict(_forms(observed, calls, star, stars))
    slots = [*slots_of(forms.values())]
    arguments = _integers(observed, calls)
    return Deduced(
        observed,
        _kind(calls, crosses=crosses),
        forms,
        axes_of(slots, arguments, said),
        sum(observed.calls[call] for call in calls),
        different_calls(slots),
    )


def _forms(
    observed: Observed, calls: Sequence[Call], star: str, stars: str
) -> Iterator[tuple[str, Form]]:
    for index, name in enumerate(observed.parameters):
        seen = [(number, call.given[index]) for number, call in enumerate(calls)]
        if name == star:
            seen = [(number, item) for number, value in seen for item in _items(value)]
        elif name == stars:
            seen = [(number, item) for number, value in seen for item in _values(value)]
        if seen:
            yield name, merge(name, seen)
    for kind in ("yield", "return"):
        seen = [
            (n, call.result) for n, call in enumerate(calls) if call.kind == kind and call.result
        ]
        if seen:
            yield kind, merge(kind, seen)


def _items(value: tuple[Any, ...]) -> tuple[Any, ...]:
    return value[2] if value[0] == "items" else ()


def _values(value: tuple[Any, ...]) -> tuple[Any, ...]:
    return tuple([each for _, each in value[2]]) if value[0] == "dict" else ()


def _integers(observed: Observed, calls: Sequence[Call]) -> dict[str, dict[int, int]]:
    """The arguments that were an integer in every call, and might be a size."""
    found: dict[str, dict[int, int]] = {}
    for index, name in enumerate(observed.parameters):
        values = {number: call.given[index] for number, call in enumerate(calls)}
        if values and all(value[0] == "int" and value[1] >= 0 for value in values.values()):
            found[name] = {number: value[1] for number, value in values.items()}
    return found


def _kind(calls: Sequence[Call], *, crosses: bool) -> str:
    every: set[str] = set()
    is_mixed = crosses
    takes = True
    for call in calls:
        given = set(_worlds_in(call.given))
        made = set(_worlds_in(call.result or ()))
        is_mixed = is_mixed or len(given | made) > 1
        takes = takes and bool(given or not made)
        every |= given | made
    if not every:
        return ""
    if is_mixed or (len(every) > 1 and not takes):
        return "boundary"
    return "same_world" if len(every) > 1 else f"{every.pop()}_world"


def _worlds_in(said: tuple[Any, ...]) -> Iterator[str]:
    if said and said[0] == "array":
        yield said[1]
        return
    for each in said:
        if class_of(each) is tuple:
            yield from _worlds_in(each)
