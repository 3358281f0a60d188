"""Judge operations that expand both operands in a monitored body (see `worlds.expansion`)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sekisho.context import current
from sekisho.errors import BroadcastWarning, Violation, hide_in_pytest
from sekisho.monitor.judging import place_of_operation
from sekisho.monitor.state import BroadcastRefusalError, Watch, note_refusal
from sekisho.worlds import describe, find_expansion, frame_of_operation

if TYPE_CHECKING:
    from sekisho.worlds import Library

__all__ = ["judge_broadcast"]

__tracebackhide__ = hide_in_pytest


def judge_broadcast(
    watch: Watch, world: Library, operation: Any, operands: tuple[object, ...]
) -> None:
    """Refuse an operation that expands both operands, or warn of it, depending on the mode.

    Args:
        watch: the monitor of the running body.
        world: the world of the operation's library.
        operation: the function, or its name in `World.operations`.
        operands: the arguments of the call.

    Raises:
        BroadcastRefusalError: with ``broadcasting="refuse"``.
    """
    level = current().broadcasting
    if level == "allow" or not world.broadcasts(operation):
        return
    found = find_expansion(world, operands)
    if found is None or not found.is_alike:
        return
    place = place_of_operation()
    if place is None or frame_of_operation(world) is None:
        return
    hint = found.hint(place.frame)
    if hint is None:
        return
    name = world.operation_name(operation)
    violation = Violation(
        watch.function,
        "body",
        "at most one operand to be expanded",
        f"{name} of {' and '.join(map(describe, found.operands))}, which gives {list(found.shape)}",
        place.text,
        hint=hint,
    )
    if level == "warn":
        frame = place.frame
        # With the line, since the filters "once" and "module" compare the texts of all lines.
        once = f"{frame.f_code.co_filename}:{frame.f_lineno} {name} {frame.f_lasti}"
        place.warn(BroadcastWarning, violation, once_for=once)
        return
    raise note_refusal(BroadcastRefusalError(violation))
