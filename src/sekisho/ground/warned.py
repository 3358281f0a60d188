"""Warnings that a library gives under a wrapper of ours, shown at the line that called the library.

Python blames the frame that called what warns. While one of ours stands in between, that frame says
nothing to who reads the warning.
"""

from __future__ import annotations

import inspect
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from sekisho.ground.source import is_guard

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import FrameType

__all__ = ["make_show", "passing"]

_OURS: Final = (str(Path(__file__).parent.parent), "<sekisho ")

passing: Final[set[str]] = set()
"""Modules by way of which a library calls a mode of ours for a function, which is called again inside."""


def make_show(original: Callable[[Any], None]) -> Callable[[Any], None]:
    """Make what shows warnings as `original` does, but those that are blamed on us at the caller's line.

    These are given again, so that filters for the caller's module hold, and what is shown once is shown
    once a line of the caller's. Modules whose functions are blamed have no registry of their own
    (``__warningregistry__ = None``), which would take all callers for one line.
    """

    def show(record: Any) -> None:
        frame = _caller(record) if record.filename.startswith(_OURS) else None
        if frame is None:
            original(record)
            return
        warnings.warn_explicit(
            record.message,
            record.category,
            frame.f_code.co_filename,
            frame.f_lineno,
            module=frame.f_globals.get("__name__"),
            registry=frame.f_globals.setdefault("__warningregistry__", {}),
            source=record.source,
        )

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
        if not is_ours and module not in passing:
            break
        has_passed = not is_ours
        frame = frame.f_back
    # The function that was called at first: under the mode it is called again, and warns there.
    return frame.f_back if has_passed and frame is not None else frame
