"""Validate containers: every item, without sampling."""

from __future__ import annotations

import contextlib
from collections import abc
from typing import TYPE_CHECKING, Any

from sekisho.contract import MEMO, IterableSpec, MappingSpec, RecordSpec, TupleSpec
from sekisho.errors import BoundaryError, ConversionError, SekishoError, hide_in_pytest
from sekisho.hints import are_few
from sekisho.validation.copies import add_container
from sekisho.validation.tolerance import validate_or_pass
from sekisho.worlds import (
    CheckedIterable,
    Refusal,
    class_of,
    describe,
    is_compiling,
    iterate_checked,
    short,
    with_collected,
    with_fields,
    with_items,
    with_values,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from sekisho.validation.violations import Place

    Validate = Callable[[Any, Any, Place, Any], Any]
    """How one item is validated: by what it must be, itself, its place, and its call."""

__all__ = ["validate_container"]

__tracebackhide__ = hide_in_pytest


def validate_container(
    validate_as: Validate, spec: Any, value: Any, place: Place, call: Any
) -> Any:
    """Return a container whose items are valid, one by one.

    Raises:
        BoundaryError: if the value is not such a container, or an item is not valid.
    """
    kind = class_of(value)
    validate: Any  # each takes its own class of spec
    if isinstance(spec, TupleSpec):
        fits, validate = issubclass(kind, tuple), _tuple
    elif isinstance(spec, MappingSpec):
        fits, validate = isinstance(value, spec.container), _mapping
    elif isinstance(spec, RecordSpec):
        # isinstance does not support TypedDict.
        fits, validate = issubclass(kind, dict if spec.is_dict else spec.kind), _record
    elif isinstance(spec, IterableSpec):
        fits, validate = isinstance(value, spec.container), _iterable
    else:
        fits, validate = isinstance(value, spec.container), _sequence
    if not fits or issubclass(kind, (str, bytes)):
        raise BoundaryError(
            place.violation(spec, value, hint=_other_class(validate_as, spec, value, place, call))
        )
    if is_compiling():  # a traced value cannot contain itself
        return validate(validate_as, spec, value, place, call)
    if any(value is each and spec is asked for asked, each in place.around):
        place.cyclic.append(value)  # it is being checked already
        return value
    validated = validate(validate_as, spec, value, place.entered(spec, value), call)
    add_container(call.copies, validated, value, place)
    return validated


def _listed(take: Callable[[], Any], place: Place, spec: Any, value: Any) -> list[Any]:
    """List the items of a container; its class may refuse: a 0-d array has none.

    Raises:
        BoundaryError: with the message of the class.
    """
    try:
        return list(take())
    except (MemoryError, RecursionError, SekishoError):
        raise
    except Exception as error:  # noqa: BLE001 - the class may raise anything
        reason = f"its items cannot be taken: {str(error).partition(chr(10))[0]}"
    raise BoundaryError(place.violation(spec, value, reason))


def _other_class(
    validate_as: Validate, spec: Any, value: Any, place: Place, call: Any
) -> str | None:
    """Return ``tuple(x)`` for a list that must be a tuple, or the reverse, if that is enough."""
    wanted: Any = tuple if isinstance(spec, TupleSpec) else getattr(spec, "container", None)
    is_one = issubclass(class_of(value), (list, tuple)) and wanted in {list, tuple}
    if not is_one or call.in_trial or is_compiling() or not are_few(value):
        return None
    try:
        trial = call._replace(bound=dict(call.bound), in_trial=True, copies=None)
        validate_as(spec, wanted(value), place, trial)
    except BoundaryError:
        return None
    return f"{wanted.__name__}({{0}})"


def _sequence(validate_as: Validate, spec: Any, value: Any, place: Place, call: Any) -> Any:
    olds = _listed(lambda: value, place, spec, value)
    items = [
        validate_as(spec.item, item, place.inside(f"[{i}]"), call) for i, item in enumerate(olds)
    ]
    return _made(place, spec, value, with_items, olds, items)


def _tuple(validate_as: Validate, spec: TupleSpec, value: Any, place: Place, call: Any) -> Any:
    items_of = spec.expanded(len(value))
    if len(value) != len(items_of):
        at_least = "" if spec.several is None else "at least "
        fewest = len(spec.items) - (spec.several is not None)
        reason = f"{place.it} has {len(value)} items, not {at_least}{fewest}"
        raise BoundaryError(place.violation(spec, value, reason))
    items = [
        validate_as(each, item, place.inside(f"[{i}]"), call)
        for i, (each, item) in enumerate(zip(items_of, value, strict=True))
    ]
    return _made(place, spec, value, with_items, list(value), items)


def _mapping(validate_as: Validate, spec: MappingSpec, value: Any, place: Place, call: Any) -> Any:
    olds = _listed(value.items, place, spec, value)
    values: list[Any] = []
    for key, item in olds:
        inside = place.item(key)
        try:
            validate_as(spec.key, key, inside, call)
        except BoundaryError:
            reason = f"the key {short(key)} is {describe(key)}, not {spec.key.text}"
            raise BoundaryError(place.violation(spec, value, reason)) from None
        values.append(validate_as(spec.value, item, inside, call))
    return _made(place, spec, value, with_values, olds, values)


def _record(validate_as: Validate, spec: RecordSpec, value: Any, place: Place, call: Any) -> Any:
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
    inside = _call_inside(spec, value, given, call)
    fields = {
        name: validate_as(each, given[name], place.inside(form.format(name)), inside)
        for name, each in spec.fields.items()
        if name in given
    }
    shared = {key: size for key, size in inside.bound.items() if _is_of(call, key)}
    call.bound.update(shared)
    return _made(place, spec, value, with_fields, given, fields)


def _is_of(call: Any, key: str) -> bool:
    """Return whether a name belongs to the call. The structures of PyTrees share one name."""
    return key in call.keys or (MEMO in call.keys and ("(" in key or key[0] == "<"))


def _call_inside(spec: RecordSpec, value: Any, given: dict[str, Any], call: Any) -> Any:
    """Return the call as the fields of a record see it: with names of their own, and `self`.

    Names that the guarded function uses are shared, so a name has one meaning where it is seen.
    """
    bound = {key: size for key, size in call.bound.items() if key[0] != "{"}
    bound.update({f"{{{name}}}": field for name, field in given.items()})
    bound["{self}"] = value
    return call._replace(bound=bound, keys=call.keys | spec.keys)


def _iterable(
    validate_as: Validate, spec: IterableSpec, value: Any, place: Place, call: Any
) -> Any:
    kind = class_of(value)
    # There may be only one pass, and a loader makes its items as they are taken. So items are
    # checked as they are taken, each with its own axes, since a last batch may be smaller.
    if not issubclass(kind, abc.Collection) or issubclass(kind, abc.Iterator):
        bound, copies = dict(call.bound), call.copies

        def check(index: int, item: Any) -> Any:
            nonlocal copies
            # Only the copies of one item: those of all items of a loader may not fit in memory.
            if copies is not None:
                copies = copies.fresh()
            fresh = call._replace(bound=dict(bound), binders={}, copies=copies)
            inside = place.inside(f"[{index}]")
            if call.tolerance is None:
                return validate_as(spec.item, item, inside, fresh)
            return validate_or_pass(validate_as, spec.item, item, inside, fresh)

        if hasattr(kind, "__next__") or hasattr(kind, "__anext__"):
            return iterate_checked(value, check)
        return CheckedIterable(value, check)
    olds = _listed(lambda: value, place, spec, value)
    items = [
        validate_as(spec.item, item, place.inside(f"[{i}]"), call) for i, item in enumerate(olds)
    ]
    return _made(place, spec, value, with_collected, olds, items)


def _made(
    place: Place, spec: Any, value: Any, make: Callable[..., Any], olds: Any, news: Any
) -> Any:
    """Return the container with its new items, or refuse one that cannot be built anew."""
    try:
        made = make(value, olds, news)
    except Refusal as refusal:
        reason = f"{place.it} {refusal.reason}"
        plain = _plain_call(spec, olds)
        raise ConversionError(place.violation(spec, value, reason, plain)) from None
    if place.around and made is not value and any(value is each for each in place.cyclic):
        reason = f"{place.it} contains itself, and an item inside has to be converted"
        raise ConversionError(place.violation(spec, value, reason))
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
