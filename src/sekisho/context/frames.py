"""Whose line it is: the user's own, and the library's that did it there."""

from __future__ import annotations

import sys
from functools import cache
from typing import TYPE_CHECKING, Any, Final

from sekisho.ground import OPTIONS, is_guard
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
"""Whose code it is: the user's own, a library's, this package's, or a guard's."""

_MOST: Final = 50_000
"""How many code objects are remembered: a program may make ever new ones."""

_known: Final[dict[int, tuple[CodeType, int]]] = {}
"""By identity, since a code object compares by all it holds. Kept alive, so that none takes another's."""

own_packages: Final[set[str]] = set()
"""Installed packages that the user calls own, too."""

_INSTALLED: Final = ("/site-packages/", "/dist-packages/")
_GENERATED: Final = ("<frozen ", "<__array_function__", "<eval_with_key", "<attrs generated")


def kind_of(frame: FrameType) -> int:
    """Whose code a frame runs."""
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
        return OWN  # an example, run in the names of the module that it is about
    package = str(names.get("__name__") or "").partition(".")[0]
    if package == "sekisho":
        return SEKISHO
    if filename.startswith("<"):
        is_generated = filename.startswith(_GENERATED)
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
    """The nearest frame of the user's own code; if there is none, of what is no array library's.

    A program that is installed (``-m package``) has no code of its own. What stands nearest then is
    the package that uses arrays.
    """
    found: FrameType | None = frame
    while found is not None:
        known = _known.get(id(found.f_code))  # `kind_of`, without the call
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
    """Whether this runs in the body of a function that is declared to be a boundary."""
    while frame is not None:
        if kind_of(frame) == GUARD:
            return bool(frame.f_globals[OPTIONS].kind == "boundary")
        frame = frame.f_back
    return False
