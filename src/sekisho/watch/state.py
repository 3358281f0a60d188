"""What is watched in each thread, and what was refused there.

The state is the thread's, not the context's, as torch's stack of modes is. So a coroutine or a
generator is watched step by step, and never suspended under its watch (see `guard.watched`).
"""

from __future__ import annotations

import contextlib
import threading
import weakref
from typing import TYPE_CHECKING, Final, NamedTuple, TypeVar

from sekisho.errors import SekishoError
from sekisho.ground import Block, without_last
from sekisho.worlds import Watcher, World

if TYPE_CHECKING:
    from collections.abc import Generator

__all__ = [
    "BodyState",
    "RefusalError",
    "Watch",
    "caught",
    "note_caught",
    "note_refusal",
    "of_jobs",
    "settle_boundary",
    "thread",
    "unwatched",
]


class Watch(NamedTuple):
    """Whose body is watched.

    Attributes:
        function: the function's name in messages.
        home: the world that its body stays in.
        scalars: whether Python numbers may be made of tensors.
    """

    function: str
    home: World
    scalars: bool = True


class RefusalError(SekishoError):
    """What a body is refused, until it leaves the body, as a `WorldError`.

    No TypeError, as `WorldError` is: torch and NumPy take one from an operator for "not
    implemented", and go on without a word (``tensor == array`` is then False).
    """


class _Thread(threading.local):
    """What is watched in one thread.

    Attributes:
        watch: the watch over the body that runs now; None if it may do what it likes.
        pauses: the blocks in the body that let it do so for their length, the innermost last.
        paused: the watch that is over it again when the last of them is left.
        depth: how many bodies are entered.
        shown: what shows the operations of the libraries that are there; None if nothing does.
        refused: the errors raised in them that have not left the outermost yet.
    """

    watch: Watch | None = None
    pauses: tuple[tuple[Block], ...] = ()
    paused: Watch | None = None
    depth: int = 0
    shown: list[Watcher] | None = None

    def __init__(self) -> None:
        self.refused: list[SekishoError] = []

    def pause(self, block: Block) -> None:
        """Let the body do what it likes, until the block is left."""
        if not self.pauses:
            self.paused = self.watch
        self.watch = None
        self.pauses = (*self.pauses, (block,))

    def resume(self, block: Block) -> None:
        """Have the watch over the body again, unless it is in another such block."""
        left = without_last(self.pauses, block)
        if self.pauses and not left:
            self.watch, self.paused = self.paused, None
        self.pauses = left

    def swap(self, body: BodyState) -> BodyState:
        """Put what holds for one body in force, and return what was."""
        before = BodyState(self.watch, self.pauses, self.paused)
        self.watch, self.pauses, self.paused = body
        return before


class BodyState(NamedTuple):
    """What goes with a body wherever it is suspended and goes on: see `_Thread`."""

    watch: Watch | None
    pauses: tuple[tuple[Block], ...] = ()
    paused: Watch | None = None


thread: Final = _Thread()

caught: Final[list[str]] = []
"""The crossings that were refused to a body which caught the error and went on, as messages.

The pytest plugin empties it after each test. Elsewhere nobody does: the latest are kept.
"""

_MOST_CAUGHT: Final = 100


def note_caught(error: SekishoError) -> None:
    """Keep the message of a refusal that a body has caught."""
    caught.append(str(error))
    del caught[:-_MOST_CAUGHT]


of_jobs: Final[weakref.WeakSet[BaseException]] = weakref.WeakSet()
"""Errors that left what a body has started, a thread or a task: caught, unless they are handed on."""


@contextlib.contextmanager
def unwatched() -> Generator[None]:
    """Let what runs in the ``with`` block do what it likes, in a watched body too."""
    watch, thread.watch = thread.watch, None
    try:
        yield
    finally:
        thread.watch = watch


E = TypeVar("E", bound=SekishoError)


def note_refusal(error: E) -> E:
    """Remember a crossing that is refused to a watched body. Returns the error."""
    if thread.depth:
        thread.refused.append(error)
    return error


def settle_boundary(start: int, error: SekishoError | None) -> None:
    """Of all that a boundary refused on its way (in a union), only `error` is what it says."""
    if len(thread.refused) > start:
        del thread.refused[start:]
        if error is not None:
            thread.refused.append(error)


# --- how operations come into view -----------------------------------------------------------------
