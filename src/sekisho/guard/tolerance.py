"""What a guard's call has to say where ``violations="warn"``: its values, its sizes, and its traces."""

from __future__ import annotations

import functools
import inspect
from typing import TYPE_CHECKING, Any, Final

from sekisho.context import note_violation
from sekisho.contract import FREE, kind_of
from sekisho.errors import BoundaryError, Violation, hide_in_pytest
from sekisho.utils import is_guard, locals_of, runs_while_tracing
from sekisho.validation import Tolerance, find_doubts

if TYPE_CHECKING:
    from collections.abc import Callable

    from sekisho.contract import Contract

__all__ = [
    "CHECKED_PLACE",
    "NAMES",
    "note_traced",
    "sizes_or_free",
    "tolerance_maker",
]

__tracebackhide__ = hide_in_pytest

NAMES: Final = "__sekisho_names__"
"""Under which global name a guard has the `Globals` that filled its globals."""


def tolerance_maker(contract: Contract, *written: Any) -> Callable[[], Tolerance]:
    """Make what gives a call of a guard its tolerance; `written` says where its function is."""
    doubts = functools.partial(find_doubts, contract, functools.partial(_values, contract))
    return functools.partial(Tolerance, written, doubts)


def _values(contract: Contract) -> dict[str, Any]:
    """What the call that is under way has passed so far, by the names of its parameters."""
    frame = inspect.currentframe()
    while frame is not None and not (is_guard(frame.f_code) and _is_of(contract, frame)):
        frame = frame.f_back
    found = locals_of(frame) if frame else {}
    return {each.name: found[each.name] for each in contract.parameters if each.name in found}


def _is_of(contract: Contract, frame: Any) -> bool:
    """Whether a guard has this contract: an item of an iterable may be taken in the body of another one."""
    names = frame.f_globals.get(NAMES)  # a guard that was sent to this process has none
    return names is None or names.contract is contract


def sizes_or_free(keys: tuple[str, ...], sizes: list[Any]) -> list[Any]:
    """Fill in what a refused value has not bound: the text may compare it without a question."""
    return [
        FREE if size is None and kind_of(key) not in {"growth", "structure"} else size
        for key, size in zip(keys, sizes, strict=True)
    ]


CHECKED_PLACE: Final = "check"
"""What a `check` is called in reports: its line is the place."""


@runs_while_tracing
def note_traced(kind: type[BoundaryError], place: str, *violation: Any) -> None:
    """Note a refused value that a compiler of torch is tracing, when it traces it."""
    function: str = violation[0]
    note_violation(function, place, (), lambda: kind(Violation(*violation)))
