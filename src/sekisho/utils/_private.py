"""CPython names that are not public API, each with a fallback for releases that lack it.

No function here raises because a name is missing. Other packages import these functions from
`sekisho.utils`.
"""

from __future__ import annotations

import contextlib
import dis
import inspect
import sys
import threading
import warnings
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable, Generator
    from types import CodeType, FrameType

__all__ = [
    "actions_of",
    "callee_names",
    "frame_at",
    "interpreter_flags",
    "is_being_imported",
    "is_protocol",
    "is_stored_field",
    "look_up",
    "quiet",
    "warning_hook",
]


def _walk_to_frame(depth: int = 0) -> FrameType:
    frame = inspect.currentframe()
    for _ in range(depth + 1):
        frame = frame and frame.f_back
    if frame is None:
        raise ValueError("call stack is not deep enough")
    return frame


frame_at: Final[Callable[[int], FrameType]] = getattr(sys, "_getframe", _walk_to_frame)
"""Return the frame that many calls out. The C function adds no frame of its own and is fast."""


def look_up(root: Any, path: str) -> Any:
    """Return the object under a dotted name, or None if any part of the name is missing."""
    for name in path.split("."):
        root = getattr(root, name, None)
    return root


def is_being_imported(module: Any) -> bool:
    """Return whether a module is being imported right now, so that some names may be missing.

    Only a private flag of the import system says so. Without it every module counts as complete.
    """
    return bool(getattr(getattr(module, "__spec__", None), "_initializing", False))


def interpreter_flags() -> list[str]:
    """Return the command-line options of this interpreter, for a child that must behave like it.

    multiprocessing passes on the same options. If the private function is missing, a child only
    gets the options that come from the environment.
    """
    import subprocess  # noqa: PLC0415 - importing sekisho stays light

    read: Callable[[], list[str]] | None = vars(subprocess).get("_args_from_interpreter_flags")
    return read() if read else []


def is_protocol(kind: Any) -> bool:
    """Return whether a class is a protocol. `typing.is_protocol` is public since Python 3.13."""
    return bool(getattr(kind, "_is_protocol", False))


def is_stored_field(field: Any) -> bool:
    """Return whether a dataclass stores a field, so not a ``ClassVar`` or ``InitVar``.

    `dataclasses.fields` leaves those two out, but rejects classes that only look like a dataclass.
    If the field has no ``_field_type``, its annotation decides.
    """
    kind = getattr(field, "_field_type", None)
    if kind is not None:
        return bool(kind.name == "_FIELD")
    text = str(getattr(field, "type", ""))
    return "ClassVar" not in text and "InitVar" not in text


# --- warnings -----------------------------------------------------------------------------------


def warning_hook() -> tuple[Any, str, Callable[[Any], None]] | None:
    """Return the function that `warnings` calls with each warning to show: its module, name, value.

    Returns None if there is no such function. A warning from a wrapped function is then shown at
    the wrapper's line.
    """
    found = vars(warnings).get("_showwarnmsg")
    return None if found is None else (warnings, "_showwarnmsg", found)


# `warnings` calls `match` of a filter with the text and tests whether the result is true. Both
# functions are written in C: while one runs, no other thread can change the list of filters that
# `warnings` is iterating over.
_matches_all: Final[Any] = type  # returns a class, which is true
_matches_none: Final[Any] = ().count  # returns 0


class _Here(threading.local):
    """A stand-in for a filter's text pattern that matches every text inside `quiet`, per thread."""

    match: Any = _matches_none

    def __reduce__(self) -> str:
        return "_here"  # joblib pickles the filters and sends them to its workers


_here: Final = _Here()
_FILTER: Final[Any] = ("ignore", _here, Warning, None, 0)


@contextlib.contextmanager
def quiet() -> Generator[None]:
    """Silence warnings in the ``with`` block, in this thread only.

    `warnings.catch_warnings` replaces the filters of the whole process. If two threads leave it in
    a different order than they entered it, one of them restores filters that the other has set, and
    they stay. So this function adds one filter and removes it again, without replacing the list.
    The filter matches in this block only: if another thread restores a list that contains it, it
    has no effect. Where `catch_warnings` is local to a thread (an option of Python 3.14), that is
    used instead.
    """
    with contextlib.ExitStack() as stack:
        filters: list[Any] | None = getattr(warnings, "filters", None)
        if getattr(sys.flags, "context_aware_warnings", False):
            stack.enter_context(warnings.catch_warnings())
            warnings.simplefilter("ignore")
        elif filters is not None:
            filters.insert(0, _FILTER)
            stack.callback(_take_away, filters)
        stack.callback(setattr, _here, "match", _here.match)
        _here.match = _matches_all
        yield


def _take_away(filters: list[Any]) -> None:
    with contextlib.suppress(ValueError):  # another thread has cleared the list
        filters.remove(_FILTER)


# --- bytecode -----------------------------------------------------------------------------------


@lru_cache(maxsize=512)
def callee_names(code: CodeType, at: int) -> tuple[str, ...]:
    """Return the name and attributes by which a call looked up its function.

    Returns an empty tuple if the function came from elsewhere, such as an expression, or if this
    release of Python uses instructions that this function does not know.

    Args:
        code: the calling code.
        at: the offset of the call's instruction.
    """
    try:
        return _callee_names(code, at)
    except (IndexError, ValueError):
        return ()


def _callee_names(code: CodeType, at: int) -> tuple[str, ...]:
    # Read backwards from the call: skip the instructions that pushed its arguments, then read the
    # ones that loaded the function. An argument with a branch in it ends the search: its stack
    # effect cannot be added up.
    before = [each for each in dis.get_instructions(code) if each.offset <= at]
    call = before.pop()
    if before and before[-1].opname == "PRECALL":  # Python 3.11 only; it belongs to the call
        before.pop()
    count = call.arg or 0
    wanted = {"CALL": count, "CALL_KW": count + 1, "CALL_FUNCTION_EX": 1 + (count & 1)}.get(
        call.opname
    )
    if call.opname == "CALL_FUNCTION_EX" and sys.version_info >= (3, 14):
        wanted = 2  # 3.14 always pushes the keywords, or NULL in their place
    pushed = 0
    while before and pushed != wanted:
        each = before.pop()
        pushed += dis.stack_effect(each.opcode, each.arg, jump=False)
    path: list[Any] = []
    while before and before[-1].opname in {"PUSH_NULL", "LOAD_ATTR", "LOAD_METHOD"}:
        each = before.pop()
        path += [each.argval] if each.opname != "PUSH_NULL" else []
    if wanted is None or not before or not before[-1].opname.startswith("LOAD_"):
        return ()
    path.append(before[-1].argval)
    return tuple(reversed(path)) if all(isinstance(each, str) for each in path) else ()


def actions_of(parser: argparse.ArgumentParser) -> list[Any]:
    """Return the arguments and options of a parser; none if argparse keeps them elsewhere."""
    return [*getattr(parser, "_actions", ())]
