"""Improve the errors that leave a guard.

Two kinds of error mislead their reader. A value whose own attributes raise (a nested tensor has no
``shape``) fails inside the guard's inline check; it is refused like any other invalid value. A body
that writes into memory which its guard shares read-only gets NumPy's error about a read-only array
that it never made; a note (PEP 678) names the owner of the memory, and a fix.
"""

from __future__ import annotations

import inspect
import os
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from sekisho.contract import UNANNOTATED, HintSpec, array_specs, walk
from sekisho.errors import BoundaryError, SekishoError, WorldError, hide_in_pytest
from sekisho.guard.refusals import REFUSALS, write_refusal
from sekisho.guard.report import note_refusal
from sekisho.guard.writes import forget
from sekisho.utils import is_guard, locals_of
from sekisho.validation import Place, why_classless, why_unhashable, why_unreadable
from sekisho.worlds import find_world, flatten, is_compiling

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from types import FrameType, TracebackType

    from sekisho.contract import Contract, Parameter
    from sekisho.guard.writes import Called

__all__ = ["make_explainer"]

__tracebackhide__ = hide_in_pytest


def make_explainer(
    contract: Contract, function: Callable[..., Any], called: Called
) -> Callable[[Exception], None]:
    """Make the function that a guard calls with an error before it raises the error again.

    Args:
        contract: the guard's contract.
        function: the guarded function.
        called: how the guard calls it.
    """

    def explain(error: Exception) -> None:
        if is_compiling():
            return  # torch.compile cannot trace the reading of frames
        assert error.__traceback__ is not None
        forget(error.__traceback__.tb_frame, called)
        if isinstance(error, SekishoError):  # its message is complete
            note_refusal(error, contract, function)
            if REFUSALS in os.environ:
                write_refusal(error, function)
            error.__traceback__.tb_next = _without_ours(error.__traceback__.tb_next)
            return
        values = locals_of(error.__traceback__.tb_frame)
        is_of_body = _has_run(function, error.__traceback__)
        for parameter, value in _declared(contract, values):
            place, holds_arrays = Place(contract, parameter), bool(array_specs(parameter.spec))
            reason, hint = (why_unreadable(value) if holds_arrays else None) or (None, None)
            if reason is None and not is_of_body:
                # The guard's tests read the class; the body has errors of its own.
                reason = why_classless(value, _classes_in(parameter.spec))
            if reason is None and not is_of_body and parameter.spec is UNANNOTATED:
                reason, hint = why_unhashable(value), "annotate it; Any takes whatever comes"
            if reason is not None:
                kind = WorldError if holds_arrays else BoundaryError
                reason = f"{place.it} {reason}"
                raise kind(place.violation(parameter.spec, value, reason, hint)) from None
        if isinstance(error, ValueError) and "read-only" in str(error):
            _note_read_only(error, values)

    return explain


def _without_ours(traceback: TracebackType | None) -> TracebackType | None:
    """Drop sekisho's own frames from a traceback: they say nothing that the message does not."""
    while traceback is not None and _is_ours(traceback.tb_frame):
        traceback = traceback.tb_next
    if traceback is not None:
        traceback.tb_next = _without_ours(traceback.tb_next)
    return traceback


def _is_ours(frame: FrameType) -> bool:
    name = str(frame.f_globals.get("__name__", ""))
    return f"{name}.".startswith("sekisho.") or is_guard(frame.f_code)


def _has_run(function: Callable[..., Any], traceback: TracebackType | None) -> bool:
    """Return whether an error came out of the guarded function itself."""
    code = getattr(inspect.unwrap(function), "__code__", None)
    while traceback is not None and traceback.tb_frame.f_code is not code:
        traceback = traceback.tb_next
    return traceback is not None


def _declared(contract: Contract, values: dict[str, Any]) -> Iterator[tuple[Parameter, Any]]:
    """Yield each value that the guard has checked, with its parameter; also the items in it."""
    result = next((name for name in ("result", "result_") if name in values), None)
    for parameter in (*contract.parameters, contract.result):
        name = result if parameter is contract.result else parameter.name
        if name in values:
            value = values[name]
            for each in [value, *_items_of(parameter, value)]:
                yield parameter, each


def _items_of(parameter: Parameter, value: Any) -> Iterable[Any]:
    if parameter.spec is not UNANNOTATED:
        return flatten(value)
    if parameter.kind is parameter.kind.VAR_KEYWORD:
        return cast("dict[str, Any]", value).values()
    return cast("tuple[Any, ...]", value) if parameter.kind is parameter.kind.VAR_POSITIONAL else ()


def _classes_in(spec: Any) -> tuple[Any, ...]:
    """Return the classes that a guard compares a value's class to."""
    hints = [each for each in walk(spec) if isinstance(each, HintSpec)]
    return tuple([cls for each in hints for cls in each.classes or ()])


def _owner_of(array: Any) -> Any:
    """Return the owner of an array's memory, directly or through the buffer protocol."""
    base = array.base
    return base.obj if isinstance(base, memoryview) else base


def _note_read_only(error: ValueError, values: dict[str, Any]) -> None:
    """Add a note on where read-only memory came from, if this guard shares a tensor's."""
    for name, value in values.items():
        for each in flatten(value):
            is_shared = isinstance(each, np.ndarray) and not each.flags.writeable
            owner = find_world(_owner_of(each)) if is_shared else None
            if owner is not None and owner.read_only_because:
                note = (
                    f"sekisho: '{name}' is the memory of {owner.noun}, which the guard shares read-only, "
                    f"{owner.read_only_because}.\n"
                    f"  hint: write into {name}.copy(), or have the guard copy: copy=True"
                )
                if not getattr(error, "__notes__", ()):  # an inner guard or `writes` has said it
                    error.add_note(note)
                return
