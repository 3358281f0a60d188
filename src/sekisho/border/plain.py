"""What is said of values of plain Python: numbers, lists and tuples where others are asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, get_origin

from sekisho.contract import ArraySpec
from sekisho.errors import BoundaryError, WorldError, hide_in_pytest
from sekisho.remedy import number_hint
from sekisho.worlds import HOST, class_of, describe, is_compiling

if TYPE_CHECKING:
    from collections.abc import Callable

    from sekisho.border.admit import Boundary, Call
    from sekisho.border.violations import Place
    from sekisho.contract import HintSpec

__all__ = ["plain_hint", "refuse_packed"]

__tracebackhide__ = hide_in_pytest


def plain_hint(
    spec: HintSpec, value: Any, check: Callable[[object], bool] | None, call: Call
) -> str | None:
    """The call that makes a list, a tuple or a number of Python's of a value, where it is enough.

    Args:
        spec: what is asked for.
        value: what was refused.
        check: how the type checker is asked about it, for what holds items.
        call: what the call knows.
    """
    if call.in_trial or is_compiling():
        return None
    wanted: Any = get_origin(spec.hint) or spec.hint
    if wanted in {list, tuple} and issubclass(class_of(value), (list, tuple)):
        items: list[Any] = [*value]
        is_enough = check is None or check(wanted(items))
        return f"{wanted.__name__}({{0}})" if is_enough else None
    return number_hint(wanted, value)


def refuse_packed(boundary: Boundary, value: Any, call: Call, place: Place) -> None:
    """Refuse one list or tuple where its items are asked for one by one.

    Raises:
        WorldError: if it may not pass itself, and each of its items may.
    """
    spec = boundary.parameter.spec
    if not issubclass(class_of(value), (list, tuple)) or not value:
        return
    if not isinstance(spec, ArraySpec):
        return
    bound = dict(call.bound)  # by all items together, as they would bind it
    trial = call._replace(bound=bound, binders={}, in_trial=True, copies=None)
    try:
        for each in value:
            boundary.admit_as(spec, each, place, trial)
    except BoundaryError:
        return
    reason = f"{describe(value)} is not {(spec.world or call.world or HOST).noun}"
    hint = f"unpack it: {place.contract.function}(*items)"
    raise WorldError(place.inside("[0]").violation(spec, value, reason, hint))
