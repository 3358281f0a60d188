"""Warnings that a library gives under a wrapper of ours, shown at the line that called the library.

Python blames the frame that called what warns. That is a wrapper of ours while one stands in between, so
as long as one may, what shows warnings corrects the line. It is put back with the last wrapper.
"""

from __future__ import annotations

import inspect
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from sekisho.ground._private import warning_hook
from sekisho.ground.source import is_guard

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import FrameType

__all__ = ["begin_relocating", "end_relocating"]

_OURS: Final = str(Path(__file__).parent.parent)
_lock: Final = threading.Lock()


class _State:
    """What stands in `warnings` instead of what, and for how many.

    Attributes:
        passing: modules of libraries that call a wrapper for a function, which is called again inside.
    """

    count: int = 0
    stand_in: tuple[Any, str, Any, Any] | None = None
    passing: frozenset[str] = frozenset()


def begin_relocating(passing: frozenset[str] = frozenset()) -> None:
    """Correct the line of warnings that are blamed on a wrapper of ours.

    Args:
        passing: the modules by way of which a library calls wrappers.
    """
    with _lock:
        _State.count += 1
        _State.passing |= passing
        hook = warning_hook()
        if _State.stand_in is None and hook is not None:
            holder, name, original = hook
            _State.stand_in = holder, name, original, _make_show(original)
            setattr(holder, name, _State.stand_in[-1])


def end_relocating() -> None:
    """End it; what somebody else has put there since stays."""
    with _lock:
        _State.count -= 1
        if _State.count == 0 and _State.stand_in is not None:
            holder, name, original, show = _State.stand_in
            _State.stand_in = None
            if getattr(holder, name, None) is show:
                setattr(holder, name, original)


def _make_show(original: Callable[[Any], None]) -> Callable[[Any], None]:
    def show(record: Any) -> None:
        frame = _caller(record) if record.filename.startswith(_OURS) else None
        if frame is not None:
            record.filename, record.lineno = frame.f_code.co_filename, frame.f_lineno
        original(record)

    return show


def _caller(record: Any) -> FrameType | None:
    """Return the frame that called the blamed one, without ours and those of who passes calls on."""
    frame, blamed = inspect.currentframe(), (record.filename, record.lineno)
    while frame is not None and (frame.f_code.co_filename, frame.f_lineno) != blamed:
        frame = frame.f_back
    has_passed = False
    while frame is not None:
        module = str(frame.f_globals.get("__name__", ""))
        is_ours = module.startswith("sekisho.") or is_guard(frame.f_code)
        if not is_ours and module not in _State.passing:
            break
        has_passed = not is_ours
        frame = frame.f_back
    # The function that was called at first: under the wrapper it is called again, and warns there.
    return frame.f_back if has_passed and frame is not None else frame
