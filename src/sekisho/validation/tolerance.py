"""``violations="warn"``: a value that its contract refuses passes as it is.

It is counted and reported (`context.violations`). It binds no axis, and what it was compared with is in
doubt: of two sizes that differ, either may be wrong. So the axes that a refused value names are
compared with nothing in the rest of the call (`doubts`), and one fault is reported once.
"""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any

from sekisho.context import note_violation
from sekisho.contract import FREE, kind_of
from sekisho.errors import hide_in_pytest
from sekisho.validation.call import restore, saved
from sekisho.validation.invalid import Invalid

if TYPE_CHECKING:
    from collections.abc import Callable

    from sekisho.contract import Bindings, Parameter
    from sekisho.errors import BoundaryError
    from sekisho.validation.call import Call
    from sekisho.validation.validate import Boundary
    from sekisho.validation.violations import Place

    Validate = Callable[[Any, Any, Place, Call], Any]
    """Validates one value: by what it must be, itself, its place, and its call."""

    Doubts = Callable[[Parameter, Call], set[str]]
    """Says which axes, of those that a parameter names, are in doubt when its value is checked."""

__all__ = ["Tolerance", "validate_or_pass", "free"]

__tracebackhide__ = hide_in_pytest


class Tolerance:
    """Lets the refused values of one call pass.

    Attributes:
        written: where the function is written.
        doubts: see `Doubts`.
        has_passed: whether it has let one pass.
    """

    __slots__ = ("doubts", "has_passed", "written")

    def __init__(self, written: tuple[Any, ...], doubts: Doubts) -> None:
        self.written: tuple[Any, ...] = written
        self.doubts: Doubts = doubts
        self.has_passed: bool = False

    def report(self, place: Place, refuse: Callable[[], BoundaryError]) -> None:
        """Count a value that passes; `refuse` makes the error, for the first one at its place."""
        self.has_passed = True
        # Not the path inside of a container, nor the number of a yielded item: these have no bound.
        note_violation(place.contract.function, place.parameter.place, self.written, refuse)


def free(bound: Bindings, key: str) -> None:
    """Have an axis fit any size; what is no axis is bound anew."""
    if kind_of(key) in {"growth", "structure"}:
        bound.pop(key, None)
    else:
        bound[key] = FREE


def validate_or_pass(
    boundary: Boundary, validate: Validate, spec: Any, value: Any, place: Place, call: Call
) -> Any:
    """Return a valid value, or an invalid one as it is: one value of a call that has a tolerance."""
    assert call.tolerance is not None
    found = _try(validate, spec, value, place, call)
    doubts = call.tolerance.doubts(place.parameter, call) if type(found) is Invalid else ()
    if doubts:
        for key in doubts:
            free(call.bound, key)
        found = _try(validate, spec, value, place, call)
    if type(found) is not Invalid:
        return found
    call.tolerance.report(place, functools.partial(boundary.error, found))
    return value


def _try(validate: Validate, spec: Any, value: Any, place: Place, call: Call) -> Any:
    """Validate a value. After an invalid one the call is as it was before."""
    before, copied = saved(call), len(call.copies or ())
    found = validate(spec, value, place, call)
    if type(found) is Invalid:
        restore(call, before, copied)
    return found
