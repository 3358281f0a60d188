"""Values that contracts refuse and that pass all the same, where ``violations="warn"``.

Each is counted at its place: the line of the call, and which argument or result of which function. A
place is reported once, with the whole message, by a warning and by a record of the logger ``sekisho``;
later the logger has the count alone, at 10, 100, 1,000, ... So a contract that a program breaks all day
fills no log. A process has a bounded number of places; the values of all others are counted together.
"""

from __future__ import annotations

import threading
import warnings
from functools import cache
from typing import TYPE_CHECKING, Any, Final

from sekisho.context.frames import own_frame
from sekisho.context.log import caller, everywhere, logs_here
from sekisho.context.modes import current
from sekisho.errors import Violation, ViolationWarning
from sekisho.log import ViolationRow
from sekisho.worlds import is_compiling

if TYPE_CHECKING:
    from collections.abc import Callable

    from sekisho.errors import BoundaryError

__all__ = ["MOST_PLACES", "is_noted", "note_violation", "violations"]

MOST_PLACES: Final = 1_000
"""So many places are told apart."""

_OTHERS: Final = ("(other places)",)
"""The key of all places beyond these. It is there only once there are so many."""


class _Place:
    """One place, and what was refused there.

    Attributes:
        row: the sum; its count is this object's.
        violation: what was wrong with the first value.
        count: how many values there were.
        is_told: whether the warning was given.
    """

    __slots__ = ("count", "is_told", "row", "violation")

    def __init__(self, row: ViolationRow, violation: Violation) -> None:
        self.row: ViolationRow = row
        self.violation: Violation = violation
        self.count: int = 0
        self.is_told: bool = False


_places: Final[dict[tuple[Any, ...], _Place]] = {}
_lock: Final = threading.RLock()
"""Held while a count grows. Again by the same thread if garbage is collected meanwhile, and a finalizer
calls a guard."""


def note_violation(
    function: str, place: str, written: tuple[Any, ...], refuse: Callable[[], BoundaryError]
) -> None:
    """Count a value that passes though its contract refuses it, and report the first at its place.

    Args:
        function: whose contract it is.
        place: which argument, or the result.
        written: where the function is written: names alone may be another function's, too.
        refuse: makes the error, with all its words. It is asked for the first value of a place only.

    Raises:
        ViolationWarning: where Python's filters turn warnings into errors.
    """
    frame = own_frame(caller())
    filename, line = frame.f_code.co_filename, frame.f_lineno
    key = (filename, line, function, place, written)
    known = _places.get(key) or _places.get(_OTHERS)
    if known is None:
        known = _enter(key, filename, line, refuse())
    with _lock:
        known.count += 1
        count, is_first = known.count, not known.is_told
        known.is_told = True
    row = known.row._replace(count=1)
    for log in logs_here():
        log.add_violations(row)
    for sink in everywhere:
        sink.take_violation(row)
    if _is_power_of_ten(count):
        _log(known.row._replace(count=count))
    if is_first:
        try:
            warnings.warn_explicit(
                ViolationWarning(known.violation),
                ViolationWarning,
                filename,
                line,
                # Python says nothing at all of a module None.
                module=frame.f_globals.get("__name__") or "<unknown>",
                registry=frame.f_globals.setdefault("__warningregistry__", {}),
            )
        except ViolationWarning:  # Python raises each of them, where it raises the first
            known.is_told = False
            raise


def is_noted(error: BoundaryError, function: str, place: str) -> bool:
    """Note an error that is not raised, with ``violations="warn"``; return False if it must be.

    Args:
        error: the error, with all its words.
        function: whose contract it is.
        place: which argument, or the result.
    """
    if is_compiling() or current().violations != "warn":
        return False
    note_violation(function, place, (), lambda: error)
    return True


def _enter(key: tuple[Any, ...], filename: str, line: int, error: BoundaryError) -> _Place:
    violation = error.violation
    assert violation is not None  # no compiler is tracing
    row = ViolationRow(filename, line, key[2], key[3], type(error).__name__, str(error))
    with _lock:
        if len(_places) >= MOST_PLACES:
            key, row = _OTHERS, row._replace(filename=_OTHERS[0], line=0)
        return _places.setdefault(key, _Place(row, violation))


def _is_power_of_ten(count: int) -> bool:
    return str(count).strip("0") == "1"


@cache
def _logger() -> Any:
    import logging  # noqa: PLC0415 - importing sekisho stays light

    logger = logging.getLogger("sekisho")
    # Without a handler of the program's, Python would print what the warning says already.
    logger.addHandler(logging.NullHandler())
    return logger


def _log(row: ViolationRow) -> None:
    """Make a record whose place is the user's line, not one in here."""
    logger, level = _logger(), 30  # logging.WARNING
    if not logger.isEnabledFor(level):
        return
    text = row.text if row.count == 1 else f"{row.text.partition(chr(10))[0]} ({row.count:,} times)"
    extra = {"violation": row.to_dict()}
    place = (row.filename, row.line)
    record = logger.makeRecord(logger.name, level, *place, "%s", (text,), None, extra=extra)
    logger.handle(record)


def violations() -> list[ViolationRow]:
    """The values that contracts of this process have refused and that have passed, by place."""
    with _lock:
        return [each.row._replace(count=each.count) for each in _places.values()]
