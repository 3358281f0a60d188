"""What is used of CPython that it promises to nobody, and what holds where a release is without it.

Nothing here raises for want of a name. Other packages take what they need from `sekisho.ground`.
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
"""The frame so many calls out. A function of C's where there is one: no frame of its own, and quick."""


def look_up(root: Any, path: str) -> Any:
    """What stands under a dotted name; None if any part of it is missing."""
    for name in path.split("."):
        root = getattr(root, name, None)
    return root


def is_being_imported(module: Any) -> bool:
    """Whether a module is being imported right now, so that names of it may be missing yet.

    Python's own import system keeps this for itself. Without it every module counts as complete.
    """
    return bool(getattr(getattr(module, "__spec__", None), "_initializing", False))


def interpreter_flags() -> list[str]:
    """The options that this interpreter was started with, for one that is to run like it.

    What multiprocessing passes on. Without it a child has those of the environment only.
    """
    import subprocess  # noqa: PLC0415 - importing sekisho stays light

    read: Callable[[], list[str]] | None = vars(subprocess).get("_args_from_interpreter_flags")
    return read() if read else []


def is_protocol(kind: Any) -> bool:
    """Whether a class is a protocol. `typing` says so publicly since Python 3.13."""
    return bool(getattr(kind, "_is_protocol", False))


def is_stored_field(field: Any) -> bool:
    """Whether a dataclass keeps a field: its table has those of ``ClassVar`` and ``InitVar``, too.

    `dataclasses.fields` leaves these out, but takes no class that only looks like a dataclass. Where a
    field does not say what it is, its annotation does.
    """
    kind = getattr(field, "_field_type", None)
    if kind is not None:
        return bool(kind.name == "_FIELD")
    text = str(getattr(field, "type", ""))
    return "ClassVar" not in text and "InitVar" not in text


# --- warnings -----------------------------------------------------------------------------------


def warning_hook() -> tuple[Any, str, Callable[[Any], None]] | None:
    """What is called with each warning to be shown: where it stands, its name, and itself.

    None where there is none: then a warning that a wrapped function gives stands at the wrapper's line.
    """
    found = vars(warnings).get("_showwarnmsg")
    return None if found is None else (warnings, "_showwarnmsg", found)


# `warnings` calls the `match` of a filter with the text, and asks whether what comes of it is true. These
# are C's: while they run, no other thread can change the list of filters that is being gone through.
_matches_all: Final[Any] = type  # a class is true
_matches_none: Final[Any] = ().count


class _Here(threading.local):
    """Stands for the pattern of a warning's text, and matches any text inside of `quiet`, in its thread."""

    match: Any = _matches_none

    def __reduce__(self) -> str:
        return "_here"  # joblib's workers are sent the filters


_here: Final = _Here()
_FILTER: Final[Any] = ("ignore", _here, Warning, None, 0)


@contextlib.contextmanager
def quiet() -> Generator[None]:
    """Let nothing warn in the ``with`` block, in this thread, and leave every other thread as it is.

    `warnings.catch_warnings` replaces the filters of the whole process. When two threads leave it in
    another order than they have entered it, one of them puts back for good what the other has
    set. So here is a filter that is added and taken away again, that nobody's list is replaced for,
    and that matches in this block only: if another thread puts back a list that holds it, it does
    nothing. Where `catch_warnings` is a thread's own (an option of Python 3.14), it is used.
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
    """The name and the attributes by which a call has found its function.

    None of them if it did otherwise, or if a release of Python has instructions that are not known here.

    Args:
        code: the calling code.
        at: the offset of the call's instruction.
    """
    try:
        return _callee_names(code, at)
    except (IndexError, ValueError):
        return ()


def _callee_names(code: CodeType, at: int) -> tuple[str, ...]:
    # Read backwards from the call: what its arguments have put on the stack, then the function. Where
    # an argument branches, nothing is found.
    before = [each for each in dis.get_instructions(code) if each.offset <= at]
    call = before.pop()
    if before and before[-1].opname == "PRECALL":  # Python 3.11's, which takes what the call takes
        before.pop()
    count = call.arg or 0
    wanted = {"CALL": count, "CALL_KW": count + 1, "CALL_FUNCTION_EX": 1 + (count & 1)}.get(
        call.opname
    )
    if call.opname == "CALL_FUNCTION_EX" and sys.version_info >= (3, 14):
        wanted = 2  # keywords, or a NULL
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
