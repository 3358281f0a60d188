"""State of strict mode's monitor in each thread: what is monitored, and what was refused.

The state belongs to the thread, not to the context, like torch's stack of modes. So a coroutine or
generator is monitored step by step, and never suspended while monitored (see `guard.watched`).
"""

from __future__ import annotations

import contextlib
import threading
import weakref
from typing import TYPE_CHECKING, Final, NamedTuple, TypeVar

from sekisho.errors import SekishoError
from sekisho.utils import Block, without_last
from sekisho.worlds import Library, Watcher

if TYPE_CHECKING:
    from collections.abc import Generator

__all__ = [
    "BodyState",
    "BroadcastRefusalError",
    "RefusalError",
    "Watch",
    "caught",
    "note_caught",
    "note_refusal",
    "of_jobs",
    "thread",
    "unwatched",
]


class Watch(NamedTuple):
    """The monitor of a body.

    Attributes:
        function: the function's name in messages.
        home: the world that its body must stay in.
        scalars: whether the body may convert tensors to Python numbers.
        broadcasting: whether operations that expand both operands are judged, too.
    """

    function: str
    home: Library
    scalars: bool = True
    broadcasting: bool = False


class RefusalError(SekishoError):
    """A refused operation, as long as the error is inside the body; it leaves as a `WorldError`.

    Unlike `WorldError` it is not a TypeError: torch and NumPy read a TypeError from an operator as
    "not implemented" and silently continue (``tensor == array`` is then False).
    """


class BroadcastRefusalError(RefusalError):
    """A refused operation that expands both operands; it leaves the body as a `BroadcastError`."""


class _Thread(threading.local):
    """Monitoring state of one thread.

    Attributes:
        watch: the monitor of the running body; None if nothing is judged.
        pauses: open blocks in the body that suspend the monitor, innermost last.
        paused: the monitor to restore when the last of these blocks is left.
        depth: number of bodies that have been entered.
        shown: watchers that report the loaded libraries' operations; None if there are none.
        refused: errors raised in the bodies that have not left the outermost body yet.
    """

    watch: Watch | None = None
    pauses: tuple[tuple[Block], ...] = ()
    paused: Watch | None = None
    depth: int = 0
    shown: list[Watcher] | None = None

    def __init__(self) -> None:
        self.refused: list[SekishoError] = []

    def pause(self, block: Block) -> None:
        """Suspend the monitor until the block is left."""
        if not self.pauses:
            self.paused = self.watch
        self.watch = None
        self.pauses = (*self.pauses, (block,))

    def resume(self, block: Block) -> None:
        """Restore the monitor, unless the body is inside another such block."""
        left = without_last(self.pauses, block)
        if self.pauses and not left:
            self.watch, self.paused = self.paused, None
        self.pauses = left

    def swap(self, body: BodyState) -> BodyState:
        """Switch to the state of another body, and return the current one."""
        before = BodyState(self.watch, self.pauses, self.paused)
        self.watch, self.pauses, self.paused = body
        return before


class BodyState(NamedTuple):
    """The state that a body keeps while it is suspended; see `_Thread`."""

    watch: Watch | None
    pauses: tuple[tuple[Block], ...] = ()
    paused: Watch | None = None


thread: Final = _Thread()

caught: Final[list[str]] = []
"""Messages of refused crossings that a body caught before it continued.

The pytest plugin clears the list after each test. Otherwise it keeps the latest messages.
"""

_MOST_CAUGHT: Final = 100


def note_caught(error: SekishoError) -> None:
    """Store the message of a refusal that a body has caught."""
    caught.append(str(error))
    del caught[:-_MOST_CAUGHT]


of_jobs: Final[weakref.WeakSet[BaseException]] = weakref.WeakSet()
"""Errors that left a thread or task started by a body: caught, unless they are raised again."""


@contextlib.contextmanager
def unwatched() -> Generator[None]:
    """Suspend the monitor in the ``with`` block."""
    watch, thread.watch = thread.watch, None
    try:
        yield
    finally:
        thread.watch = watch


E = TypeVar("E", bound=SekishoError)


def note_refusal(error: E) -> E:
    """Record a crossing that was refused to a monitored body. Returns the error."""
    if thread.depth:
        thread.refused.append(error)
    return error
