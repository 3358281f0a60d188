"""The open crossing logs of this thread or task, and how crossings are added to them."""

from __future__ import annotations

import inspect
import time
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, Final, Protocol

from sekisho.log import Crossing, CrossingLog, ViolationRow
from sekisho.utils import Block, is_guard
from sekisho.worlds import (
    HOST,
    Converted,
    Library,
    Policy,
    convert,
    dtype_name,
    find_world,
    is_compiling,
)

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import FrameType

__all__ = [
    "Sink",
    "allowance",
    "caller",
    "close_log",
    "cross",
    "everywhere",
    "logs_here",
    "open_log",
    "open_logs",
    "record",
]


class Sink(Protocol):
    """A collector of the crossings of a whole process."""

    def take(self, crossing: Crossing, frame: FrameType) -> None:
        """Add a crossing by a guard or helper, for the user's line in `frame`."""
        ...

    def take_violation(self, row: ViolationRow) -> None:
        """Add a value that a contract has refused, and that has passed."""
        ...


everywhere: Final[list[Sink]] = []
"""Collectors for all threads and tasks; the value of `_logs` in contexts without an own log."""

_logs: ContextVar[tuple[CrossingLog, ...] | list[Sink]] = ContextVar(
    "sekisho_logs", default=everywhere
)

open_logs: Callable[[], object] = _logs.get
"""Return a true value if any log is open here. Binding `get` directly saves a call."""


allowance: ContextVar[tuple[tuple[Block], ...]] = ContextVar("sekisho_allowance", default=())
"""The surrounding blocks of `crossing_allowed`; empty, so false, outside of them."""


class _Declarations:
    """Whether this process has anything that allows crossings: a guard, or an `allowance`."""

    exist: bool = False


declarations: Final = _Declarations()
"""Checked first when crossings are counted: most programs declare nothing."""


def open_log(log: CrossingLog) -> None:
    """Open a log for this thread or task, in addition to those that are open."""
    outer = _logs.get()
    _logs.set((*(outer if isinstance(outer, tuple) else ()), log))


def close_log(log: CrossingLog) -> None:
    """Close a log. In another context than it was opened in, this does nothing."""
    logs = _logs.get()
    if isinstance(logs, tuple):
        # Without an own log left, this context uses the collectors of the process again.
        _logs.set(tuple([each for each in logs if each is not log]) or everywhere)


def logs_here() -> tuple[CrossingLog, ...]:
    """The logs that are open in this thread or task."""
    logs = _logs.get()
    return logs if isinstance(logs, tuple) else ()


def record(
    function: str,
    place: str,
    home: Library | None,
    value: Any,
    crossed: Any,
    target: Library,
    copied: str | None,
    seconds: float,
) -> None:
    """Add a crossing to every open log."""
    frame = caller()
    source = find_world(value) or HOST
    # A value that only exports its memory has neither a dtype nor a device.
    owned = source.owns(value)
    crossing = Crossing(
        function,
        place,
        source.name,
        target.name,
        dtype_name(crossed.dtype),
        tuple(crossed.shape),
        source.device_name(value) if owned else "cpu",
        target.device_name(crossed),
        target.nbytes(crossed),
        copied,
        seconds,
        frame.f_code.co_filename,
        frame.f_lineno,
        home.name if home else None,
        dtype_name(value.dtype) if owned else "",
    )
    for log in logs_here():
        log.append(crossing)
    for sink in everywhere:
        sink.take(crossing, frame)


def caller() -> FrameType:
    """Return the nearest frame that belongs neither to sekisho nor to a guard: the user's line."""
    frame = inspect.currentframe()
    assert frame is not None  # CPython has frames
    while frame.f_back is not None and (
        f"{frame.f_globals.get('__name__')}.".startswith("sekisho.") or is_guard(frame.f_code)
    ):
        frame = frame.f_back
    return frame


def cross(
    value: Any,
    target: Library,
    policy: Policy,
    function: str,
    place: str,
    home: Library | None = None,
    copied: str | None = None,
) -> Converted:
    """Convert a value and log the crossing.

    Args:
        value: the value to convert.
        target: the world to convert to.
        policy: what the conversion may do.
        function: the function or helper, for the log.
        place: the argument or result, for the log.
        home: the world that the function stays in, if any.
        copied: why the value was copied before this call, if it was.

    Raises:
        Refusal: if no lossless conversion exists.
    """
    if is_compiling() or not open_logs():
        return convert(value, target, policy)
    start = time.perf_counter()
    converted = convert(value, target, policy)
    seconds = time.perf_counter() - start
    # A value that was returned unchanged has not crossed.
    if converted.value is not value:
        reason = copied or converted.copied
        record(function, place, home, value, converted.value, target, reason, seconds)
    return converted
