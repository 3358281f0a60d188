"""Show a library's warnings at the line that called the library, not at a wrapper of sekisho.

Python attributes a warning to the frame that called the warning function. With a wrapper in
between, that frame is inside sekisho and tells the reader nothing.
"""

from __future__ import annotations

import inspect
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from sekisho.utils.source import is_guard

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import FrameType

__all__ = ["make_show", "passing", "warn_at_frame", "warn_at_line"]

_OURS: Final = (str(Path(__file__).parent.parent), "<sekisho ")

passing: Final[set[str]] = set()
"""Library modules that pass a call on to one of our torch modes, which calls the function again."""


class _Text(str):
    """A text that is equal to others by its `key`: the registry of a module compares texts."""

    __slots__ = ("key",)

    key: str

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Text) and self.key == other.key

    def __hash__(self) -> int:
        return hash(self.key)


def warn_at_frame(
    frame: FrameType, text: str, category: type[Warning], once_for: str | None = None
) -> None:
    """Issue a warning at the line of a frame, which its module's registry shows once.

    Args:
        frame: the frame.
        text: what the warning says.
        category: its class.
        once_for: what makes two warnings of a line one, where their texts differ, as by a shape.
    """
    if once_for is not None:
        text = _Text(text)
        text.key = once_for
    warnings.warn_explicit(
        text,
        category,
        frame.f_code.co_filename,
        frame.f_lineno,
        registry=frame.f_globals.setdefault("__warningregistry__", {}),
    )


_registries: Final[dict[str, dict[Any, Any]]] = {}
"""The warnings that were shown, by file: no frame of it may be running, or its module be gone."""


def warn_at_line(filename: str, line: int, text: str, category: type[Warning]) -> None:
    """Issue a warning at a line, such as that of a function which is not running any more."""
    registry = _registries.setdefault(filename, {})
    warnings.warn_explicit(text, category, filename, line, registry=registry)


def make_show(original: Callable[[Any], None]) -> Callable[[Any], None]:
    """Return a replacement for `original` that moves warnings out of sekisho to the caller's line.

    A moved warning is issued again, so that filters for the caller's module apply, and a warning
    that is shown once is shown once per line of the caller. For this to work, modules of sekisho
    that warnings are attributed to set ``__warningregistry__ = None``: with a registry of their
    own, all callers would count as one line.
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
    """Return the frame that called the reported one, skipping sekisho and modules in `passing`."""
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
    # A mode calls the library's function a second time, and the warning comes from there. `frame`
    # is the first call of that function; its caller is the line to show.
    return frame.f_back if has_passed and frame is not None else frame
