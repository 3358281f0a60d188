"""Validate unions: by the first alternative that accepts the value, or with one clear error."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, get_origin

from sekisho.contract import ArraySpec, HintSpec, UnionSpec
from sekisho.errors import BoundaryError, WorldError, hide_in_pytest
from sekisho.validation.call import restore, saved
from sekisho.validation.invalid import Invalid
from sekisho.worlds import dtype_name, find_world

if TYPE_CHECKING:
    from sekisho.validation.validate import Boundary
    from sekisho.validation.violations import Place

__all__ = ["validate_union"]

__tracebackhide__ = hide_in_pytest


def _takes_as_it_is(spec: Any, value: Any, call: Any) -> bool:
    if not isinstance(spec, ArraySpec):
        return True
    return spec.owns(value, call.world) and spec.accepts_dtype(dtype_name(value.dtype))


def validate_union(boundary: Boundary, spec: UnionSpec, value: Any, place: Place, call: Any) -> Any:
    """Return the value, made valid by the first alternative that accepts it.

    Returns an `Invalid` if none accepts it: that of the alternative that was meant, if it is clear.
    """
    refused: list[tuple[Any, Invalid]] = []
    before, copied = saved(call), len(call.copies or ())
    # First the alternatives that accept the value as it is, in whatever order; then those that cast
    # or convert it.
    needs_none = [_takes_as_it_is(each, value, call) for each in spec.alternatives]
    for turn in (True, False):
        for alternative, at_home in zip(spec.alternatives, needs_none, strict=True):
            if at_home is turn:
                found = boundary.validate_as(alternative, value, place, call)
                if type(found) is not Invalid:
                    return found
                refused.append((alternative, found))
                restore(call, before, copied)
    return _meant(refused, spec, value, place)


def _is_kind(spec: Any, value: Any) -> bool:
    """Return whether a value is of the class that an annotation names, whatever its items are."""
    kind: Any = None
    if isinstance(spec, HintSpec):
        kind = get_origin(spec.hint) or spec.hint
    elif not isinstance(spec, ArraySpec):
        kind = getattr(spec, "container", None)
    return isinstance(kind, type) and kind is not object and isinstance(value, kind)


def _meant(
    refused: list[tuple[Any, Invalid]], spec: UnionSpec, value: Any, place: Place
) -> Invalid:
    """Return what is wrong with a value that no alternative accepts."""
    # If only one alternative was meant, what it says: the one that refuses an item of the value, or
    # else the only one that has a reason.
    inside = [each for each in refused if each[1].place.place != place.place]
    meant = (
        inside
        if len(inside) == 1
        else [each for each in refused if each[1].reason or each[1].mismatch]
    )
    own = [each for each in refused if _is_kind(each[0], value)]
    if not inside and own:  # a list is allowed: that it is not an array says nothing
        meant = own
    rest = [each for each in refused if (each[1].expected or each[1].spec.text) != "None"]
    if not meant and len(rest) == 1:
        meant = rest
    if find_world(value) is not None:  # alternatives without arrays say nothing of an array
        meant = [each for each in meant if isinstance(each[0], ArraySpec)] or meant
    is_crossing = any(each.is_crossing for _, each in refused)
    if len(meant) != 1:
        kind = WorldError if find_world(value) is None else BoundaryError
        return Invalid(kind, spec, value, place, is_crossing=is_crossing)
    invalid = meant[0][1]
    expected = spec.text if invalid.place.place == place.place else invalid.expected
    return invalid._replace(expected=expected, is_crossing=is_crossing)
