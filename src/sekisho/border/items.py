"""Containers at a boundary: every item is admitted, none is sampled."""

from __future__ import annotations

from collections import abc
from typing import TYPE_CHECKING, Any

from sekisho.border.copies import add_container
from sekisho.contract import IterableSpec, MappingSpec, RecordSpec, TupleSpec
from sekisho.errors import BoundaryError, hide_in_pytest
from sekisho.worlds import (
    CheckedIterable,
    class_of,
    describe,
    iterate_checked,
    short,
    with_collected,
    with_fields,
    with_items,
    with_values,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from sekisho.border.violations import Place

    Admit = Callable[[Any, Any, Place, Any], Any]
    """How one item is admitted: by what it must be, itself, its place, and its call."""

__all__ = ["admit_container"]

__tracebackhide__ = hide_in_pytest


def admit_container(admit_as: Admit, spec: Any, value: Any, place: Place, call: Any) -> Any:
    """Return a container whose items are lawful, one by one.

    Raises:
        BoundaryError: if it is no such container, or an item may not pass.
    """
    kind = class_of(value)
    admit: Any  # each takes the kind of spec that it is for
    if isinstance(spec, TupleSpec):
        fits, admit = issubclass(kind, tuple), _tuple
    elif isinstance(spec, MappingSpec):
        fits, admit = isinstance(value, spec.container), _mapping
    elif isinstance(spec, RecordSpec):
        # isinstance knows no TypedDict.
        fits, admit = issubclass(kind, dict if spec.is_dict else spec.kind), _record
    elif isinstance(spec, IterableSpec):
        fits, admit = isinstance(value, spec.container), _iterable
    else:
        fits, admit = isinstance(value, spec.container), _sequence
    if not fits or issubclass(kind, (str, bytes)):
        raise BoundaryError(place.violation(spec, value))
    admitted = admit(admit_as, spec, value, place, call)
    add_container(call.copies, admitted, value, place)
    return admitted


def _sequence(admit_as: Admit, spec: Any, value: Any, place: Place, call: Any) -> Any:
    items = [
        admit_as(spec.item, item, place.inside(f"[{i}]"), call) for i, item in enumerate(value)
    ]
    return with_items(value, items)


def _tuple(admit_as: Admit, spec: TupleSpec, value: Any, place: Place, call: Any) -> Any:
    items_of = spec.expanded(len(value))
    if len(value) != len(items_of):
        at_least = "" if spec.several is None else "at least "
        fewest = len(spec.items) - (spec.several is not None)
        reason = f"{place.it} has {len(value)} items, not {at_least}{fewest}"
        raise BoundaryError(place.violation(spec, value, reason))
    items = [
        admit_as(each, item, place.inside(f"[{i}]"), call)
        for i, (each, item) in enumerate(zip(items_of, value, strict=True))
    ]
    return with_items(value, items)


def _mapping(admit_as: Admit, spec: MappingSpec, value: Any, place: Place, call: Any) -> Any:
    values: dict[Any, Any] = {}
    for key, item in value.items():
        inside = place.item(key)
        try:
            admit_as(spec.key, key, inside, call)
        except BoundaryError:
            reason = f"the key {short(key)} is {describe(key)}, not {spec.key.text}"
            raise BoundaryError(place.violation(spec, value, reason)) from None
        values[key] = admit_as(spec.value, item, inside, call)
    return with_values(value, values)


def _record(admit_as: Admit, spec: RecordSpec, value: Any, place: Place, call: Any) -> Any:
    if spec.is_dict:
        missing = sorted(key for key in spec.required if key not in value)
        extra = sorted(str(key) for key in value if key not in spec.fields)
        if missing or extra:
            what = f"no key {missing[0]!r}" if missing else f"a key {extra[0]!r} too many"
            raise BoundaryError(place.violation(spec, value, f"{place.it} has {what}"))
        given = dict(value)
    else:
        given = {name: getattr(value, name) for name in spec.fields if hasattr(value, name)}
    form = "[{!r}]" if spec.is_dict else ".{}"
    fields = {
        name: admit_as(each, given[name], place.inside(form.format(name)), call)
        for name, each in spec.fields.items()
        if name in given
    }
    return with_fields(value, fields)


def _iterable(admit_as: Admit, spec: IterableSpec, value: Any, place: Place, call: Any) -> Any:
    kind = class_of(value)
    # One pass is all there may be, and a loader makes its items as they are taken: so they are
    # checked as they are taken, each with axes of its own, since a last batch may be smaller.
    if not issubclass(kind, abc.Collection) or issubclass(kind, abc.Iterator):
        bound, copies = dict(call.bound), call.copies

        def check(index: int, item: Any) -> Any:
            nonlocal copies
            # Those of one item only: a loader may have more of them than memory holds.
            if copies is not None:
                copies = copies.fresh()
            fresh = call._replace(bound=dict(bound), binders={}, copies=copies)
            return admit_as(spec.item, item, place.inside(f"[{index}]"), fresh)

        if hasattr(kind, "__next__") or hasattr(kind, "__anext__"):
            return iterate_checked(value, check)
        return CheckedIterable(value, check)
    items = [
        admit_as(spec.item, item, place.inside(f"[{i}]"), call) for i, item in enumerate(value)
    ]
    return with_collected(value, items)
