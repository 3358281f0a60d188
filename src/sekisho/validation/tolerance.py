"""``violations="warn"``: a value that its contract refuses passes as it is.

It is counted and reported (`context.violations`). It binds no axis, and what it was compared with is in
doubt: of two sizes that differ, nobody knows which is wrong. So the axes that a refused value names are
compared with nothing in the rest of the call (`doubts`), and one fault is reported once.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sekisho.context import note_violation
from sekisho.contract import FREE
from sekisho.errors import BoundaryError, hide_in_pytest
from sekisho.monitor import settle_boundary, thread

if TYPE_CHECKING:
    from collections.abc import Callable

    from sekisho.contract import Bindings, Parameter
    from sekisho.validation.call import Call
    from sekisho.validation.items import Validate
    from sekisho.validation.violations import Place

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
    if key[0] in "#<":
        bound.pop(key, None)
    else:
        bound[key] = FREE


def validate_or_pass(validate_as: Validate, spec: Any, value: Any, place: Place, call: Call) -> Any:
    """Return a valid value, or a refused one as it is: one value of a call that has a tolerance."""
    assert call.tolerance is not None
    validated, refusal = _try(validate_as, spec, value, place, call)
    doubts = call.tolerance.doubts(place.parameter, call) if refusal else ()
    if doubts:
        for key in doubts:
            free(call.bound, key)
        validated, refusal = _try(validate_as, spec, value, place, call)
    if refusal is None:
        return validated
    found: BoundaryError = refusal

    def refuse() -> BoundaryError:
        """Make the error once more, with the words that a trial does without."""
        _, error = _try(validate_as, spec, value, place, call, in_trial=False)
        return error or found

    call.tolerance.report(place, refuse)
    return value


def _try(
    validate_as: Validate, spec: Any, value: Any, place: Place, call: Call, *, in_trial: bool = True
) -> tuple[Any, BoundaryError | None]:
    """Validate a value; or return the error, and have the call as it was before."""
    before, binders = dict(call.bound), dict(call.binders)
    start, count = len(thread.refused), len(call.copies or ())
    if call.in_trial is not in_trial:
        call = call._replace(in_trial=in_trial)
    try:
        return validate_as(spec, value, place, call), None
    except BoundaryError as error:
        refusal = error.with_traceback(None)
    call.bound.clear()
    call.bound.update(before)
    call.binders.clear()
    call.binders.update(binders)
    if call.copies:
        del call.copies[count:]
    settle_boundary(start, None)
    return None, refusal
