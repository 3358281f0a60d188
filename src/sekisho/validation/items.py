"""Validate containers: every item, without sampling."""

from __future__ import annotations

import contextlib
from collections import abc
from typing import TYPE_CHECKING, Any

from sekisho.contract import (
    MEMO,
    IterableSpec,
    MappingSpec,
    RecordSpec,
    TupleSpec,
    argument_key,
    kind_of,
)
from sekisho.errors import BoundaryError, ConversionError, SekishoError, first_line, hide_in_pytest
from sekisho.utils import counted
from sekisho.validation.call import saved
from sekisho.validation.copies import add_container
from sekisho.validation.invalid import Hintable, Invalid
from sekisho.worlds import (
    CheckedIterable,
    Refusal,
    class_of,
    describe,
    is_compiling,
    is_instance,
    is_subclass,
    iterate_checked,
    short,
    with_collected,
    with_fields,
    with_items,
    with_values,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from sekisho.validation.validate import Boundary
    from sekisho.validation.violations import Place

__all__ = ["validate_container"]

__tracebackhide__ = hide_in_pytest


def validate_container(boundary: Boundary, spec: Any, value: Any, place: Place, call: Any) -> Any:
    """Return a container whose items are valid, one by one; or an `Invalid`, for it or for an item."""
    kind = class_of(value)
    validate: Any  # each takes its own class of spec
    if isinstance(spec, TupleSpec):
        fits, validate = issubclass(kind, tuple), _tuple
    elif isinstance(spec, MappingSpec):
        fits, validate = is_instance(value, spec.container), _mapping
    elif isinstance(spec, RecordSpec):
        # isinstance does not support TypedDict.
        fits, validate = issubclass(kind, dict if spec.is_dict else spec.kind), _record
    elif isinstance(spec, IterableSpec):
        fits, validate = is_instance(value, spec.container), _iterable
    else:
        fits, validate = is_instance(value, spec.container), _sequence
    if not fits or issubclass(kind, (str, bytes)):
        hintable = Hintable(spec, value, saved(call))
        return Invalid(BoundaryError, spec, value, place, hintable=hintable)
    if is_compiling():  # a traced value cannot contain itself
        return validate(boundary, spec, value, place, call)
    if any(value is each and spec is asked for asked, each in place.around):
        place.cyclic.append(value)  # it is being checked already
        return value
    validated = validate(boundary, spec, value, place.entered(spec, value), call)
    if type(validated) is not Invalid:
        add_container(call.copies, validated, value, place)
    return validated


def _listed(take: Callable[[], Any], place: Place, spec: Any, value: Any) -> list[Any] | Invalid:
    """List the items of a container; its class may refuse: a 0-d array has none."""
    try:
        return list(take())
    except (MemoryError, RecursionError, SekishoError):
        raise
    except Exception as error:  # noqa: BLE001 - the class may raise anything
        reason = f"its items cannot be taken: {first_line(error)}"
        return Invalid(BoundaryError, spec, value, place, reason)


def _each(
    boundary: Boundary, specs: Iterable[Any], olds: Iterable[Any], place: Place, call: Any
) -> list[Any] | Invalid:
    """Return the valid items, or what is wrong with the first that is not valid."""
    news: list[Any] = []
    for i, (spec, old) in enumerate(zip(specs, olds, strict=True)):
        new = boundary.validate_as(spec, old, place.inside(f"[{i}]"), call)
        if type(new) is Invalid:
            return new
        news.append(new)
    return news


def _sequence(boundary: Boundary, spec: Any, value: Any, place: Place, call: Any) -> Any:
    olds = _listed(lambda: value, place, spec, value)
    if type(olds) is Invalid:
        return olds
    items = _each(boundary, [spec.item] * len(olds), olds, place, call)
    return _made(place, spec, value, with_items, olds, items)


def _tuple(boundary: Boundary, spec: TupleSpec, value: Any, place: Place, call: Any) -> Any:
    items_of = spec.expanded(len(value))
    if len(value) != len(items_of):
        at_least = "" if spec.several is None else "at least "
        fewest = len(spec.items) - (spec.several is not None)
        reason = f"{place.it} has {counted(len(value), 'item')}, not {at_least}{fewest}"
        return Invalid(BoundaryError, spec, value, place, reason)
    items = _each(boundary, items_of, value, place, call)
    return _made(place, spec, value, with_items, list(value), items)


def _mapping(boundary: Boundary, spec: MappingSpec, value: Any, place: Place, call: Any) -> Any:
    olds = _listed(value.items, place, spec, value)
    if type(olds) is Invalid:
        return olds
    values: list[Any] = []
    for key, item in olds:
        inside = place.item(key)
        found = boundary.validate_as(spec.key, key, inside, call)
        if type(found) is Invalid:
            reason = f"the key {short(key)} is {describe(key)}, not {spec.key.text}"
            is_crossing = found.is_crossing
            return Invalid(BoundaryError, spec, value, place, reason, is_crossing=is_crossing)
        found = boundary.validate_as(spec.value, item, inside, call)
        if type(found) is Invalid:
            return found
        values.append(found)
    return _made(place, spec, value, with_values, olds, values)


def _record(boundary: Boundary, spec: RecordSpec, value: Any, place: Place, call: Any) -> Any:
    if spec.is_dict:
        missing = sorted(key for key in spec.required if key not in value)
        extra = sorted(str(key) for key in value if key not in spec.fields)
        if missing or extra:
            what = f"no key {missing[0]!r}" if missing else f"a key {extra[0]!r} too many"
            return Invalid(BoundaryError, spec, value, place, f"{place.it} has {what}")
        given = dict(value)
    else:
        given = {name: getattr(value, name) for name in spec.fields if hasattr(value, name)}
    form = "[{!r}]" if spec.is_dict else ".{}"
    inside = _call_inside(spec, value, given, call)
    fields: dict[str, Any] = {}
    for name, each in spec.fields.items():
        if name in given:
            found = boundary.validate_as(each, given[name], place.inside(form.format(name)), inside)
            if type(found) is Invalid:
                return found
            fields[name] = found
    shared = {key: size for key, size in inside.bound.items() if _is_of(call, key)}
    call.bound.update(shared)
    return _made(place, spec, value, with_fields, given, fields)


def _is_of(call: Any, key: str) -> bool:
    """Return whether a name belongs to the call. The structures of PyTrees share one name."""
    return key in call.keys or (MEMO in call.keys and ("(" in key or kind_of(key) == "structure"))


def _call_inside(spec: RecordSpec, value: Any, given: dict[str, Any], call: Any) -> Any:
    """Return the call as the fields of a record see it: with names of their own, and `self`.

    Names that the guarded function uses are shared, so a name has one meaning where it is seen.
    """
    bound = {key: size for key, size in call.bound.items() if kind_of(key) != "argument"}
    bound.update({argument_key(name): field for name, field in given.items()})
    bound["{self}"] = value
    return call._replace(bound=bound, keys=call.keys | spec.keys)


def _iterable(boundary: Boundary, spec: IterableSpec, value: Any, place: Place, call: Any) -> Any:
    kind = class_of(value)
    # There may be only one pass, and a loader makes its items as they are taken. So items are
    # checked as they are taken, each with its own axes, since a last batch may be smaller.
    if not is_subclass(kind, abc.Collection) or is_subclass(kind, abc.Iterator):
        bound, copies = dict(call.bound), call.copies

        def check(index: int, item: Any) -> Any:
            nonlocal copies
            # Only the copies of one item: those of all items of a loader may not fit in memory.
            if copies is not None:
                copies = copies.fresh()
            fresh = call._replace(bound=dict(bound), binders={}, copies=copies)
            inside = place.inside(f"[{index}]")
            return boundary.validate_item(spec.item, item, inside, fresh)

        if hasattr(kind, "__next__") or hasattr(kind, "__anext__"):
            return iterate_checked(value, check)
        return CheckedIterable(value, check)
    olds = _listed(lambda: value, place, spec, value)
    if type(olds) is Invalid:
        return olds
    items = _each(boundary, [spec.item] * len(olds), olds, place, call)
    return _made(place, spec, value, with_collected, olds, items)


def _made(
    place: Place, spec: Any, value: Any, make: Callable[..., Any], olds: Any, news: Any
) -> Any:
    """Return the container with its new items; or an `Invalid`, if it cannot be built anew."""
    if type(news) is Invalid:
        return news
    try:
        made = make(value, olds, news)
    except Refusal as refusal:
        reason = f"{place.it} {refusal.reason}"
        plain = _plain_call(spec, olds)
        return Invalid(ConversionError, spec, value, place, reason, plain)
    if place.around and made is not value and any(value is each for each in place.cyclic):
        reason = f"{place.it} contains itself, and an item inside has to be converted"
        return Invalid(ConversionError, spec, value, place, reason)
    return made


def _plain_call(spec: Any, olds: Any) -> str | None:
    """Return the call that makes a plain dict or list of a container, if that is accepted."""
    if isinstance(spec, MappingSpec):
        with contextlib.suppress(TypeError):  # a key without a hash
            if isinstance({}, spec.container) and len(dict(olds)) == len(olds):
                return "dict({0})"
    elif not isinstance(spec, (TupleSpec, RecordSpec)) and isinstance([], spec.container):
        return "list({0})"
    return None
