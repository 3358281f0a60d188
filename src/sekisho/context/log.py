"""Who collects crossings here and now, and what hands them a crossing."""

from __future__ import annotations

import inspect
import time
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, Final, Protocol

from sekisho.ground import Block, is_guard
from sekisho.log import Crossing, CrossingLog, ViolationRow
from sekisho.worlds import (
    HOST,
    Converted,
    Policy,
    World,
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
    """What collects the crossings of a whole process."""

    def take(self, crossing: Crossing, frame: FrameType) -> None:
        """Add one that a guard or a helper has made, for the user's line in `frame`."""
        ...

    def take_violation(self, row: ViolationRow) -> None:
        """Add a value that a contract has refused, and that has passed."""
        ...


everywhere: Final[list[Sink]] = []
"""What collects in every thread and task: it is what a context without a log of its own sees."""

_logs: ContextVar[tuple[CrossingLog, ...] | list[Sink]] = ContextVar(
    "sekisho_logs", default=everywhere
)

open_logs: Callable[[], object] = _logs.get
"""Whether somebody collects crossings here and now: true or false, at the price of one call."""


allowance: ContextVar[tuple[tuple[Block], ...]] = ContextVar("sekisho_allowance", default=())
"""The blocks around here that say that what crosses may; empty, so false, where there is none."""


class _Declarations:
    """Whether anything in this process says where values may cross: a guard, or `allowance`."""

    exist: bool = False


declarations: Final = _Declarations()
"""Whoever counts crossings asks this first: most programs declare nothing."""


def open_log(log: CrossingLog) -> None:
    """Have a log collect what this thread or task does, beside those that are open."""
    outer = _logs.get()
    _logs.set((*(outer if isinstance(outer, tuple) else ()), log))


def close_log(log: CrossingLog) -> None:
    """End that. In another context than it was opened in, nothing changes."""
    logs = _logs.get()
    if isinstance(logs, tuple):
        _logs.set(tuple([each for each in logs if each is not log]) or everywhere)


def logs_here() -> tuple[CrossingLog, ...]:
    """The logs that are open in this thread or task."""
    logs = _logs.get()
    return logs if isinstance(logs, tuple) else ()


def record(
    function: str,
    place: str,
    home: World | None,
    value: Any,
    crossed: Any,
    target: World,
    copied: str | None,
    seconds: float,
) -> None:
    """Hand a crossing to every log that is open here and now."""
    frame = caller()
    source = find_world(value) or HOST
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
    """The nearest frame that is neither sekisho's nor a guard's: the user's own line."""
    frame = inspect.currentframe()
    assert frame is not None  # CPython has frames
    while frame.f_back is not None and (
        f"{frame.f_globals.get('__name__')}.".startswith("sekisho.") or is_guard(frame.f_code)
    ):
        frame = frame.f_back
    return frame


def cross(
    value: Any,
    target: World,
    policy: Policy,
    function: str,
    place: str,
    home: World | None = None,
    copied: str | None = None,
) -> Converted:
    """Convert a value and log the crossing; `copied` is why it has been copied before.

    Raises:
        Refusal: if no lossless conversion exists.
    """
    if is_compiling() or not open_logs():
        return convert(value, target, policy)
    start = time.perf_counter()
    converted = convert(value, target, policy)
    seconds = time.perf_counter() - start
    if converted.value is not value:
        reason = copied or converted.copied
        record(function, place, home, value, converted.value, target, reason, seconds)
    return converted
