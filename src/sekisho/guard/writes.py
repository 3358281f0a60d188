"""Report lost writes: compare the copies that were made for a call after its body has run.

The source of a guard calls its function through a global. If the slow path has copied an argument,
that global stands for a `Listening` until the call has begun. So a guard that copies nothing is
unchanged and pays nothing.
"""

from __future__ import annotations

import inspect
import threading
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from sekisho.context import current_untraced
from sekisho.errors import MutationError, hide_in_pytest
from sekisho.guard.watched import STARTS
from sekisho.utils import is_guard, not_counted
from sekisho.validation import Copies, read_only_note
from sekisho.worlds import is_compiling

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import FrameType

    from sekisho.contract import Flavour

__all__ = ["Called", "called_by", "forget", "listen", "stand_for"]

__tracebackhide__ = hide_in_pytest

_lock: Final = threading.RLock()
"""Held while a global is replaced: one thread's call may begin as another's ends.

Reentrant, since a copy that is dropped may have a finalizer that calls a guard.
"""


class Called(NamedTuple):
    """How a guard calls its function: through which global, and where the function is defined."""

    name: str
    filename: str
    line: int


def called_by(name: str, function: Callable[..., Any]) -> Called:
    """Return how a guard calls a function through the global `name`."""
    code: Any = getattr(inspect.unwrap(function), "__code__", None)
    return Called(name, code.co_filename, code.co_firstlineno) if code else Called(name, "?", 1)


def listen(copies: Copies, flavour: Flavour, called: Called) -> None:
    """Register copies that the running call compares after its body has run."""
    frame = _guard_frame()
    if frame is None:
        return
    namespace = frame.f_globals
    with _lock:
        held = namespace[called.name]
        if type(held) is not Listening:
            # Replace the value of an existing global: a new one would cost the guard its inline
            # caches.
            held = namespace[called.name] = Listening(held, flavour, called)
        # By frame: recursion, threads and tasks each have their own.
        _, copied = held.pending.setdefault(id(frame), (threading.get_ident(), copies))
        if copied is not copies:
            copied += copies


def forget(frame: FrameType, called: Called) -> None:
    """Drop the copies of a call that ends before its body begins."""
    held = frame.f_globals[called.name]
    if type(held) is Listening:
        held.take(frame)


def stand_for(namespace: dict[str, Any], values: dict[str, Any]) -> None:
    """Set globals, or what their `Listening` stands for while calls are running."""
    with _lock:
        for name, value in values.items():
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
    assert frame.f_back is not None  # and the caller is a guard
    return frame.f_back


class Listening:
    """A stand-in for a guard's function while a call has copies and its body has not begun.

    Attributes:
        function: the function that it stands for.
        flavour: the function's flavour.
        called: how the guard calls the function.
        pending: for each guard frame (its id), the thread, and what was copied for the call.
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
        # No local holds this frame: it would refer to itself, and keep the arguments until
        # collected.
        copies = None if is_compiling() else self.take(_caller_of(inspect.currentframe()))
        if not copies:
            return function(*args, **kwargs)
        looking, start = _Looking(copies), STARTS[self.flavour]
        if start is None:
            with looking:
                return function(*args, **kwargs)
        return start(function(*args, **kwargs), looking)

    def take(self, frame: FrameType) -> Copies | None:
        """Remove and return the copies of a call; the last call restores the global."""
        with _lock:
            _, copies = self.pending.pop(id(frame), (0, None))
            if self.pending:
                self._drop_dead(frame)
            namespace = frame.f_globals
            if not self.pending and namespace[self.called.name] is self:
                namespace[self.called.name] = self.function
        return copies

    def _drop_dead(self, frame: FrameType | None) -> None:
        """Drop this thread's copies for calls that an interrupt has ended."""
        alive: set[int] = set()
        while frame is not None:
            alive.add(id(frame))
            frame = frame.f_back
        thread = threading.get_ident()
        for key, (owner, _) in tuple(self.pending.items()):
            if owner == thread and key not in alive:
                del self.pending[key]

    def __reduce__(self) -> tuple[Any, ...]:
        return _itself, (self.function,)  # no call is running in another process


def _itself(function: Callable[..., Any]) -> Callable[..., Any]:
    return function


class _Looking:
    """A ``with`` block that compares copies when a call, or a step of a generator, has ended."""

    __slots__ = ("_copies", "_is_strict")

    def __init__(self, copies: Copies) -> None:
        self._copies = copies
        self._is_strict = current_untraced().name == "strict"

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: object, error: BaseException | None, traceback: object) -> None:
        # A coroutine or a generator returns by raising one of the first two. A change of a copy is
        # lost, which says more than that it was made.
        if error is None or isinstance(error, (StopIteration, StopAsyncIteration, MutationError)):
            self._copies.tell(is_strict=self._is_strict)
        elif isinstance(error, (ValueError, TypeError)) and "read-only" in str(error):
            note = read_only_note(self._copies)
            if note is not None and not getattr(error, "__notes__", ()):
                error.add_note(note)
