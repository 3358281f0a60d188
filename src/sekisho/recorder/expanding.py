"""Count operations that expand both operands because their ranks differ (see `worlds.expansion`).

These operations are wrapped only if a recording asks for it, since a program has many more of them
than of crossings. Most calls leave the wrapper after one comparison.
"""

from __future__ import annotations

import functools
import inspect
from typing import TYPE_CHECKING, Any, Final

from sekisho.context import OWN, kind_of, own_frame
from sekisho.log import BroadcastRow
from sekisho.recorder.calls import state
from sekisho.recorder.observing import class_of, is_no_array
from sekisho.recorder.rows import short_line
from sekisho.utils import Observer, codes_in, not_counted
from sekisho.worlds import describe, find_expansion, frame_of_operation, wrap_operations

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import FrameType

    from sekisho.worlds import Expansion, Library, OperationKind

__all__ = ["unwrap_element_wise", "wrap_element_wise"]

# Inside of all other wrappers of the recorder and of strict mode: they inspect their caller.
_observer: Final = Observer(rank=-1)


def wrap_element_wise(world: Library) -> None:
    """Wrap the operations of an imported library that broadcast their operands."""
    wrap_operations(_observer, world, {"compute": world.element_wise}, _counted)
    _observer.wrap_imported(world, {world.name, "sekisho"})


def unwrap_element_wise() -> None:
    """Remove all these wrappers."""
    _observer.end()


@not_counted
def _counted(world: Library, _kind: OperationKind, name: str, original: Callable[..., Any]) -> Any:
    own = world.array_type()

    def call(*args: Any, **kwargs: Any) -> Any:
        result = original(*args, **kwargs)
        if len(args) == 2 and not kwargs:  # noqa: PLR2004 - two operands, as of an operator
            one, other = args
            kind = class_of(other)
            if is_no_array(kind):
                return result
            if kind is own is class_of(one) and kind is class_of(result):
                ranks = one.ndim - other.ndim
                if not ranks:
                    return result
                shape = result.shape
                # The result has the shape of the operand of more axes: that one is not expanded.
                # Under `torch.jit.trace` sizes are tensors, which must not be compared.
                if shape and type(shape[0]) is int and shape == (one if ranks > 0 else other).shape:
                    return result
        if state.counter is not None:
            _count(world, name, (*args, *kwargs.values()))
        return result

    return call


_WRAPPER: Final = next(each for each in codes_in(_counted.__code__) if each.co_name == "call")


def _count(world: Library, name: str, operands: tuple[Any, ...]) -> None:
    """Count a call, if it expands both operands. An error in here must not stop the program."""
    counter = state.counter
    if counter is None:
        return
    try:
        found = find_expansion(world, operands)
        frame = None if found is None else frame_of_operation(world)
        if found is not None and frame is not None and not _is_called_again(frame):
            make = functools.partial(_row, world, name, found, frame)
            counter.take_expansion(name, frame, make, is_alike=found.is_alike)
    except Exception as error:  # noqa: BLE001 - an array of an unknown class may raise anything
        counter.lose(f"the operands of {name} could not be read: {error!r}")


def _is_called_again(frame: FrameType) -> bool:
    """Whether another wrapper has called this one: a mode of torch calls the function it gets."""
    each, wrappers = inspect.currentframe(), 0
    while each is not None and each is not frame:
        wrappers += each.f_code is _WRAPPER
        each = each.f_back
    return wrappers > 1


def _row(world: Library, name: str, found: Expansion, frame: FrameType) -> BroadcastRow | None:
    """Return the row of a line, with the shapes of this call; None if the code says what it means."""
    hint = found.hint(frame)
    if hint is None:
        return None
    own = frame if kind_of(frame) == OWN else own_frame(frame)
    one, other = map(describe, found.operands)
    return BroadcastRow(
        own.f_code.co_filename,
        own.f_lineno or 0,
        own.f_code.co_qualname,
        world.operation_name(name),
        one,
        other,
        found.shape,
        hint,
        "" if own is frame else short_line(frame),
    )
