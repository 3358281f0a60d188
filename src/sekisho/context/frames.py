"""Find out whose code a frame runs, and the user's line behind a library's."""

from __future__ import annotations

import sys
from functools import cache
from typing import TYPE_CHECKING, Any, Final

from sekisho.utils import OPTIONS, is_guard
from sekisho.worlds import world_names

if TYPE_CHECKING:
    from types import CodeType, FrameType

__all__ = [
    "GUARD",
    "LIBRARY",
    "OWN",
    "SEKISHO",
    "is_at_boundary",
    "kind_of",
    "own_frame",
    "own_packages",
]

OWN, LIBRARY, SEKISHO, GUARD = range(4)
"""Whose code a frame runs: the user's own, a library's, sekisho's, or a guard's."""

_MOST: Final = 50_000
"""Maximum number of code objects in the cache: a program may create new ones forever."""

_known: Final[dict[int, tuple[CodeType, int]]] = {}
"""Cache by `id`, as code objects compare by value. It keeps them alive, so ids stay unique."""

own_packages: Final[set[str]] = set()
"""Installed packages that the user has declared to be own code."""

_INSTALLED: Final = ("/site-packages/", "/dist-packages/")
_GENERATED: Final = ("<frozen ", "<__array_function__", "<eval_with_key", "<attrs generated")


def kind_of(frame: FrameType) -> int:
    """Return whose code a frame runs."""
    code = frame.f_code
    known = _known.get(id(code))
    if known is None:
        if len(_known) >= _MOST:
            _known.clear()
        known = _known[id(code)] = (code, _classify(code, frame.f_globals))
    return known[1]


def _classify(code: CodeType, names: dict[str, Any]) -> int:
    if is_guard(code):
        return GUARD
    filename = code.co_filename
    if filename.startswith("<doctest "):
        return OWN  # its globals are those of the module with the example
    package = str(names.get("__name__") or "").partition(".")[0]
    if package == "sekisho":
        return SEKISHO
    if filename.startswith("<"):
        is_generated = filename.startswith(_GENERATED)
        # Generated code of the standard library and attrs counts as a library's.
        filename = _standard()[0] if is_generated else str(names.get("__file__") or filename)
    if sys.platform == "win32":
        filename = filename.replace("\\", "/")
    if package in own_packages:
        return OWN
    is_installed = package in world_names() or any(part in filename for part in _INSTALLED)
    return LIBRARY if is_installed or filename.startswith(_standard()) else OWN


@cache
def _standard() -> tuple[str, ...]:
    """Return the folders of the standard library."""
    import sysconfig  # noqa: PLC0415 - importing sekisho stays light

    paths = {sysconfig.get_path(name) for name in ("stdlib", "platstdlib")}
    return tuple(path + "/" for path in paths if path)


def own_frame(frame: FrameType) -> FrameType:
    """Return the nearest frame of the user's own code, or of a package that uses arrays.

    An installed program (``-m package``) has no own code. Then the nearest frame that does not
    belong to an array library is returned.
    """
    found: FrameType | None = frame
    while found is not None:
        known = _known.get(id(found.f_code))  # inlined `kind_of`, for speed
        if (kind_of(found) if known is None else known[1]) == OWN:
            return found
        found = found.f_back
    found = frame
    while found is not None:
        package = str(found.f_globals.get("__name__") or "").partition(".")[0]
        if kind_of(found) == LIBRARY and package not in world_names():
            return found
        found = found.f_back
    return frame


def is_at_boundary(frame: FrameType | None) -> bool:
    """Return whether a frame runs inside the body of a function declared as a boundary."""
    while frame is not None:
        if kind_of(frame) == GUARD:
            return bool(frame.f_globals[OPTIONS].kind == "boundary")
        frame = frame.f_back
    return False
