"""Writes that are lost: a look at what was copied for a call, once the body has run.

The text of a guard calls its function by a global name. When the slow path has copied an argument, it
has that name stand for a `Listening` until the call has begun, so a guard that copies nothing is as it
was, and pays nothing.
"""

from __future__ import annotations

import inspect
import threading
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from sekisho.border import Copies, read_only_note
from sekisho.context import current_untraced
from sekisho.errors import hide_in_pytest
from sekisho.ground import is_guard, not_counted
from sekisho.guard.watched import STARTS
from sekisho.worlds import is_compiling

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import FrameType

    from sekisho.contract import Flavour

__all__ = ["Called", "called_by", "forget", "listen", "stand_for"]

__tracebackhide__ = hide_in_pytest

_lock: Final = threading.RLock()
"""Held while a name changes what it stands for: of two threads, one may begin as the other ends.

Again by the same thread where a copy is dropped, and its finalizer calls a guard."""


class Called(NamedTuple):
    """What a guard calls: by which global name in its text, and where it is written."""

    name: str
    filename: str
    line: int


def called_by(name: str, function: Callable[..., Any]) -> Called:
    """Say where a function is written that a text calls by a name."""
    code: Any = getattr(inspect.unwrap(function), "__code__", None)
    return Called(name, code.co_filename, code.co_firstlineno) if code else Called(name, "?", 1)


def listen(copies: Copies, flavour: Flavour, called: Called) -> None:
    """Have the call that is under way look at these when its body has run."""
    frame = _guard_frame()
    if frame is None:
        return
    namespace = frame.f_globals
    with _lock:
        held = namespace[called.name]
        if type(held) is not Listening:
            # The value of a name that is there: a new name would cost the guard its inline caches.
            held = namespace[called.name] = Listening(held, flavour, called)
        # By frame: recursion, threads and tasks each have their own.
        _, copied = held.pending.setdefault(id(frame), (threading.get_ident(), copies))
        if copied is not copies:
            copied += copies


def forget(frame: FrameType, called: Called) -> None:
    """Drop what a call was handed that ends before its body begins."""
    held = frame.f_globals[called.name]
    if type(held) is Listening:
        held.take(frame)


def stand_for(namespace: dict[str, Any], name: str, value: Any) -> None:
    """Have a name stand for a value; if calls are under way that are listened to, after them."""
    with _lock:
        held = namespace.get(name)
        if type(held) is Listening:
            held.function = value
        else:
            namespace[name] = value


def _guard_frame() -> FrameType | None:
    frame = inspect.currentframe()
    while frame is not None and not is_guard(frame.f_code):
        frame = frame.f_back
    return frame


def _caller_of(frame: FrameType | None) -> FrameType:
    assert frame is not None  # CPython has frames
    assert frame.f_back is not None  # and a guard is what calls
    return frame.f_back


class Listening:
    """Stands for the function of a guard while a call has copies, and its body has not begun.

    Attributes:
        function: what it stands for.
        flavour: the function's.
        called: by which name.
        pending: by the guard's frame, the thread and what was copied for the call.
    """

    __slots__ = ("called", "flavour", "function", "pending")

    def __init__(self, function: Callable[..., Any], flavour: Flavour, called: Called) -> None:
        self.function: Callable[..., Any] = function
        self.flavour: Flavour = flavour
        self.called: Called = called
        self.pending: dict[int, tuple[int, Copies]] = {}

    @not_counted
    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        function = self.function
        # No local holds this frame: it would keep itself, and the arguments, until they are collected.
        copies = None if is_compiling() else self.take(_caller_of(inspect.currentframe()))
        if not copies:
            return function(*args, **kwargs)
        looking, start = _Looking(copies), STARTS[self.flavour]
        if start is None:
            with looking:
                return function(*args, **kwargs)
        return start(function(*args, **kwargs), looking)

    def take(self, frame: FrameType) -> Copies | None:
        """What was copied for a call, which is its own from now on; the last one restores the name."""
        with _lock:
            _, copies = self.pending.pop(id(frame), (0, None))
            if self.pending:
                self._drop_dead(frame)
            namespace = frame.f_globals
            if not self.pending and namespace[self.called.name] is self:
                namespace[self.called.name] = self.function
        return copies

    def _drop_dead(self, frame: FrameType | None) -> None:
        """Drop what this thread was handed for calls that an interrupt has ended meanwhile."""
        alive: set[int] = set()
        while frame is not None:
            alive.add(id(frame))
            frame = frame.f_back
        thread = threading.get_ident()
        for key, (owner, _) in tuple(self.pending.items()):
            if owner == thread and key not in alive:
                del self.pending[key]

    def __reduce__(self) -> tuple[Any, ...]:
        return _itself, (self.function,)  # another process has no call under way


def _itself(function: Callable[..., Any]) -> Callable[..., Any]:
    return function


class _Looking:
    """Looks at copies whenever the ``with`` block ends: a call, or a step of a generator."""

    __slots__ = ("_copies", "_is_strict")

    def __init__(self, copies: Copies) -> None:
        self._copies = copies
        self._is_strict = current_untraced().name == "strict"

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: object, error: BaseException | None, traceback: object) -> None:
        # A coroutine or a generator returns by these two.
        if error is None or isinstance(error, (StopIteration, StopAsyncIteration)):
            self._copies.tell(is_strict=self._is_strict)
        elif isinstance(error, (ValueError, TypeError)) and "read-only" in str(error):
            note = read_only_note(self._copies)
            if note is not None and not getattr(error, "__notes__", ()):
                error.add_note(note)
