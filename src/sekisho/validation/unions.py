"""Validate unions: by the first alternative that accepts the value, or with one clear error."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, get_origin

from sekisho.contract import ArraySpec, HintSpec, UnionSpec
from sekisho.errors import BoundaryError, WorldError, hide_in_pytest
from sekisho.worlds import dtype_name, find_world, is_compiling

if TYPE_CHECKING:
    from sekisho.validation.items import Validate
    from sekisho.validation.violations import Place

__all__ = ["validate_union"]

__tracebackhide__ = hide_in_pytest


def _takes_as_it_is(spec: Any, value: Any, call: Any) -> bool:
    if not isinstance(spec, ArraySpec):
        return True
    return spec.owns(value, call.world) and spec.accepts_dtype(dtype_name(value.dtype))


def validate_union(
    validate_as: Validate, spec: UnionSpec, value: Any, place: Place, call: Any
) -> Any:
    """Return the value, made valid by the first alternative that accepts it.

    Raises:
        BoundaryError: if none accepts it; with the reason of the one that was meant, if that is
            clear.
    """
    errors: list[tuple[Any, BoundaryError]] = []
    before, count = dict(call.bound), len(call.copies or ())
    trial = call._replace(in_trial=True)
    # First the alternatives that accept the value as it is, in whatever order; then those that cast
    # or convert it.
    needs_none = [_takes_as_it_is(each, value, call) for each in spec.alternatives]
    for turn in (True, False):
        for alternative, at_home in zip(spec.alternatives, needs_none, strict=True):
            if at_home is turn:
                try:
                    return validate_as(alternative, value, place, trial)
                except BoundaryError as error:
                    if not is_compiling():  # breaks the cycle of error and frame
                        error.with_traceback(None)
                    errors.append((alternative, error))
                    call.bound.clear()
                    call.bound.update(before)
                    if call.copies:
                        del call.copies[count:]
    return _refuse(validate_as, errors, spec, value, place, call)


def _is_kind(spec: Any, value: Any) -> bool:
    """Return whether a value is of the class that an annotation names, whatever its items are."""
    kind: Any = None
    if isinstance(spec, HintSpec):
        kind = get_origin(spec.hint) or spec.hint
    elif not isinstance(spec, ArraySpec):
        kind = getattr(spec, "container", None)
    return isinstance(kind, type) and kind is not object and isinstance(value, kind)


def _refuse(
    validate_as: Validate,
    errors: list[tuple[Any, BoundaryError]],
    spec: UnionSpec,
    value: Any,
    place: Place,
    call: Any,
) -> Any:
    """Refuse a value that no alternative accepts."""
    # If only one alternative was meant, raise its error: the one that refuses an item of the value,
    # or else the only one that has a reason.
    refused = [(each, error, error.violation) for each, error in errors if error.violation]
    inside = [each for each in refused if each[2].place != place.place]
    meant = inside if len(inside) == 1 else [each for each in refused if each[2].reason]
    own = [each for each in refused if _is_kind(each[0], value)]
    if not inside and own:  # a list is allowed: that it is not an array says nothing
        meant = own
    rest = [each for each in refused if each[2].expected != "None"]
    if not meant and len(rest) == 1:
        meant = rest
    if find_world(value) is not None:  # alternatives without arrays say nothing of an array
        meant = [each for each in meant if isinstance(each[0], ArraySpec)] or meant
    if len(meant) == 1:
        alternative, refusal, _ = meant[0]
        if not call.in_trial:  # again, with the hint that a trial leaves out
            try:
                return validate_as(alternative, value, place, call)
            except BoundaryError as again:
                refusal = again if is_compiling() else again.with_traceback(None)
        violation = refusal.violation
        assert violation is not None
        same_place = violation.place == place.place
        raise type(refusal)(violation._replace(expected=spec.text) if same_place else violation)
    kind = WorldError if find_world(value) is None else BoundaryError
    raise kind(place.violation(spec, value))
