"""Judge an operation in a monitored body: whether it crosses, and at which line."""

from __future__ import annotations

import inspect
import linecache
from pathlib import Path
from types import FrameType  # noqa: TC003 - a named tuple's fields are read at run time
from typing import TYPE_CHECKING, Any, NamedTuple

from sekisho.context import GUARD, LIBRARY, OWN, SEKISHO, current, kind_of
from sekisho.errors import CrossingWarning, Violation, hide_in_pytest
from sekisho.monitor.state import RefusalError, Watch, note_refusal
from sekisho.utils import is_guard, warn_at_frame
from sekisho.worlds import (
    HOST,
    Library,
    OperationKind,
    describe,
    find_world,
    flatten,
    foreign_world,
    loaded_worlds,
)

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import TracebackType

__all__ = ["Place", "judge", "place_of_operation", "refuse", "to_the_line"]

__tracebackhide__ = hide_in_pytest


def judge(
    watch: Watch,
    world: Library,
    kind: OperationKind,
    operation: Any,
    args: tuple[Any, ...],
    kwargs: dict[str, Any] | None,
) -> None:
    """Refuse an operation if it crosses or leaves the body's world.

    Args:
        watch: the monitor of the running body.
        world: the world of the operation's library.
        kind: what the operation does.
        operation: the function, or its name in `World.operations`.
        args: positional arguments of the call.
        kwargs: keyword arguments of the call.

    Raises:
        RefusalError: naming the function, the operation and the line.
    """
    is_home = watch.home is world
    if kind == "scalar":
        if watch.scalars or not is_home:
            return
        target, other = HOST, HOST
    elif kind == "export":
        target, other = HOST, HOST if is_home else world
    elif is_home or world is HOST:
        # The body's own library and NumPy only cross if an argument is foreign to them.
        others = (foreign_world(each, world) for each in flatten((args, kwargs)))
        foreign = next((other for other in others if other), None)
        if foreign is None:
            return
        target, other = world, foreign if is_home else world
    elif kind == "look":
        return
    else:
        # Any other operation of a foreign library leaves the body's world.
        target, other = world, world
    value = next(_arrays_in(args, kwargs), None)
    refuse(watch, world.operation_name(operation), value, target, other)


def _arrays_in(*arguments: Any) -> Iterator[Any]:
    return (each for each in flatten(arguments) if find_world(each) is not None)


def refuse(watch: Watch, operation: str, value: object, target: Library, other: Library) -> None:
    """Refuse an operation in a body, or warn about it, depending on the mode's level.

    Args:
        watch: the monitor of the running body.
        operation: the operation's name in messages.
        value: the first array among its arguments.
        target: the world that it converts to, or computes in.
        other: the world besides the body's, for the hint.

    Raises:
        RefusalError: at level ``"refuse"``.
    """
    level = current().level(target.name)
    place = place_of_operation() if level in {"warn", "refuse"} else None
    if place is None:
        return
    moved = "it" if place.is_direct else "the call"
    violation = Violation(
        watch.function,
        "body",
        f"{watch.home.label} only",
        f"{operation} of {describe(value)}" if value is not None else operation,
        place.text,
        hint=f"move {moved} to a {other.name}_world or boundary "
        f"function, or allow it: with sekisho.crossing_allowed():",
    )
    if level == "warn":
        place.warn(CrossingWarning, violation)
        return
    raise note_refusal(RefusalError(violation))


class Place(NamedTuple):
    """Where a body runs an operation.

    Attributes:
        frame: the innermost frame outside of array libraries.
        own: the nearest frame of the user's own code, which may be the same.
    """

    frame: FrameType
    own: FrameType

    @property
    def is_direct(self) -> bool:
        """Whether the user's own code runs the operation, not a third party's function."""
        return self.own is self.frame

    @property
    def text(self) -> str:
        """The source line with its file; if a third party runs the operation, both lines."""
        own = _text_of(self.own)
        return own if self.is_direct else f"{own}\n  in {_text_of(self.frame)}"

    def warn(
        self, category: type[Warning], violation: Violation, once_for: str | None = None
    ) -> None:
        """Issue a warning at the user's own line.

        Args:
            category: the class of the warning.
            violation: what is wrong.
            once_for: warnings of one line that have it in common count as one; None for the text.
        """
        warn_at_frame(self.own, str(violation), category, once_for)


def place_of_operation() -> Place | None:
    """Return where the operation that is being judged runs; None at a guard's own boundary."""
    frame = _line()
    return None if frame is None else Place(frame, _own_line(frame))


def _line() -> FrameType | None:
    """Return the innermost frame outside of array libraries; None at a guard's own boundary."""
    libraries = _libraries()
    frame: FrameType | None = inspect.currentframe()
    while frame is not None:
        module = _module_of(frame)
        # At a guard's boundary the contract and the mode have decided already.
        if is_guard(frame.f_code) or module in {
            "sekisho.validation.validate",
            "sekisho.validation.hand_back",
        }:
            return None
        if module.partition(".")[0] not in libraries:
            return frame
        frame = frame.f_back
    return None


def _own_line(frame: FrameType) -> FrameType:
    """Return the nearest frame of the user's own code, up to the body, if a third party crosses.

    If the body itself is third-party code, return its frame. In a job's thread there is no body.
    """
    each: FrameType | None = frame
    body = frame
    while each is not None:
        kind = kind_of(each)
        if kind == OWN:
            return each
        if kind == GUARD:
            return body
        if kind != SEKISHO:
            body = each
        each = each.f_back
    return frame


def _text_of(frame: FrameType) -> str:
    """Return a frame's source line with its file; for a library, the path inside the package."""
    filename, line = frame.f_code.co_filename, frame.f_lineno
    source = linecache.getline(filename, line, frame.f_globals).strip()
    path = Path(filename)
    depth = 1
    if kind_of(frame) == LIBRARY:
        # One more part of the path for each package that contains the module.
        depth += _module_of(frame).count(".") + (path.stem == "__init__")
    return f"{'/'.join(path.parts[-depth:])}:{line}: {source}"


def to_the_line(traceback: TracebackType | None) -> TracebackType | None:
    """Cut a traceback after the line of `_line`: the rest is inside the array library."""
    libraries = _libraries()
    each = last = traceback
    while each is not None:
        if _module_of(each.tb_frame).partition(".")[0] not in libraries:
            last = each
        each = each.tb_next
    if last is not None:
        last.tb_next = None
    return traceback


def _libraries() -> set[str]:
    return {"sekisho", *(world.name for world in loaded_worlds())}


def _module_of(frame: FrameType) -> str:
    return str(frame.f_globals.get("__name__", ""))
