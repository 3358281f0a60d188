"""What strict mode refuses inside of a body.

A *watch* stands over the body of a guarded function while it runs. Each world that is loaded shows it the
operations of its library in this thread, as far as the library lets itself be watched. What is no
crossing passes, and what a guard does at its own boundary passes too: it has asked there.

The state is the thread's, not the context's, as torch's stack of modes is. So a coroutine or a
generator is watched step by step, and never suspended under its watch (see `_watched`).
"""

from __future__ import annotations

import contextlib
import inspect
import linecache
import threading
import warnings
import weakref
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple, TypeVar, cast

from sekisho.context import GUARD, LIBRARY, OWN, SEKISHO, current, kind_of
from sekisho.errors import (
    CrossingWarning,
    SekishoError,
    Violation,
    WorldError,
    hide_in_pytest,
)
from sekisho.ground import Block, is_guard, once, without_last
from sekisho.worlds import (
    HOST,
    Kind,
    Watcher,
    World,
    describe,
    find_world,
    flatten,
    foreign_world,
    loaded_worlds,
)

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator
    from types import FrameType, TracebackType

__all__ = [
    "Watch",
    "Watching",
    "caught",
    "judge",
    "note_caught",
    "note_refusal",
    "of_jobs",
    "refuse",
    "settle_boundary",
    "thread",
    "unwatched",
]


__tracebackhide__ = hide_in_pytest


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

    def swap(self, body: _BodyState) -> _BodyState:
        """Put what holds for one body in force, and return what was."""
        before = _BodyState(self.watch, self.pauses, self.paused)
        self.watch, self.pauses, self.paused = body
        return before


class _BodyState(NamedTuple):
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


class Watching:
    """Holds a watch over what runs in the ``with`` block. It may be entered again: see `_watched`."""

    __slots__ = ("_body", "_outer", "_pushed", "_start", "_watch")

    def __init__(self, watch: Watch | None) -> None:
        self._watch = watch
        self._body = _BodyState(watch)

    def __enter__(self) -> None:
        self._start = len(thread.refused)
        self._outer = thread.swap(self._body)
        thread.depth += 1
        self._pushed = self._watch is not None and thread.shown is None and _push()

    def __exit__(self, kind: object, error: BaseException | None, traceback: object) -> None:
        if self._pushed:
            _pull()
        # Where the body has come to: it may be suspended within `crossing_allowed`.
        self._body = thread.swap(self._outer)
        thread.depth -= 1
        if len(thread.refused) > self._start:
            _settle(self._start, error)
        if error is not None and of_jobs:
            _hand_on(error)
        if isinstance(error, RefusalError):
            shown = _to_the_line(error.__traceback__)
            raise note_refusal(WorldError(*error.args)).with_traceback(shown) from None


def _settle(start: int, error: BaseException | None) -> None:
    """Of what was refused in a body, keep what leaves it; the rest was caught inside."""
    leaving = {id(each) for each in _chain(error)}
    for refused in thread.refused[start:]:
        if id(refused) not in leaving:
            note_caught(refused)
            thread.refused.remove(refused)
    if thread.depth == 0:
        thread.refused.clear()


def _hand_on(error: BaseException) -> None:
    """What left a job leaves the body that has waited for it, too: nobody there went on."""
    for each in _chain(error):
        if each in of_jobs:
            of_jobs.discard(each)
            with contextlib.suppress(ValueError):  # a test has looked, and emptied the list
                caught.remove(str(each))
            note_refusal(cast("SekishoError", each))  # for the body around this one


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    """An error and all that led to it."""
    seen: set[int] = set()
    open_: list[BaseException | None] = [error]
    while open_:
        each = open_.pop()
        if each is not None and id(each) not in seen:
            seen.add(id(each))
            yield each
            open_ += [each.__cause__, each.__context__, *getattr(each, "exceptions", ())]


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


def _push() -> bool:
    """Have the libraries that are there show their operations in this thread."""
    watchers = [watcher for watcher in map(_watcher, loaded_worlds()) if watcher is not None]
    for each in watchers:
        each.push()
    thread.shown = watchers
    return True


def _pull() -> None:
    for each in thread.shown or ():
        each.pull()
    thread.shown = None


@once
def _watcher(world: World) -> Watcher | None:
    return world.watcher(thread, judge)


# --- the judgement ------------------------------------------------------------------------------


def judge(
    watch: Watch,
    world: World,
    kind: Kind,
    operation: Any,
    args: tuple[Any, ...],
    kwargs: dict[str, Any] | None,
) -> None:
    """Refuse an operation of a library that crosses, or that leaves the body's world.

    Args:
        watch: whose body it stands in.
        world: whose operation it is.
        kind: what it does.
        operation: itself.
        args: what it was called with.
        kwargs: likewise.

    Raises:
        RefusalError: naming the function, the operation, and the line.
    """
    is_home = watch.home is world
    if kind == "scalar":
        if watch.scalars or not is_home:
            return
        target, other = HOST, HOST
    elif kind == "export":
        target, other = HOST, HOST if is_home else world
    elif is_home or world is HOST:
        others = (foreign_world(each, world) for each in flatten((args, kwargs)))
        foreign = next((other for other in others if other), None)
        if foreign is None:
            return
        target, other = world, foreign if is_home else world
    elif kind == "look":
        return
    else:
        target, other = world, world
    value = next(_arrays_in(args, kwargs), None)
    refuse(watch, world.operation_name(operation), value, target, other)


def _arrays_in(*arguments: Any) -> Iterator[Any]:
    return (each for each in flatten(arguments) if find_world(each) is not None)


def refuse(watch: Watch, operation: str, value: object, target: World, other: World) -> None:
    """Refuse an operation in a body, or warn of it, as the level says.

    Args:
        watch: whose body it stands in.
        operation: what a message calls it.
        value: the first array that it was given.
        target: the world that it crosses into, or works in.
        other: the world, beside the body's, that it has to do with.

    Raises:
        RefusalError: at level ``"disallow"``.
    """
    level = current().level(target.name)
    frame = _line() if level in {"warn", "disallow"} else None
    if frame is None:
        return
    own = _own_line(frame)
    what = f"{operation} of {describe(value)}" if value is not None else operation
    violation = Violation(
        watch.function,
        "body",
        f"{watch.home.label} only",
        what,
        _text_of(frame) if own is frame else f"{_text_of(own)}\n  in {_text_of(frame)}",
        hint=f"move {'it' if own is frame else 'the call'} to a {other.name}_world or boundary "
        f"function, or allow it: with sekisho.crossing_allowed():",
    )
    if level == "warn":
        filename, line = own.f_code.co_filename, own.f_lineno
        registry = own.f_globals.setdefault("__warningregistry__", {})
        warnings.warn_explicit(str(violation), CrossingWarning, filename, line, registry=registry)
        return
    raise note_refusal(RefusalError(violation))


def _line() -> FrameType | None:
    """The line of the body, or of what it called; None if it is a guard at its boundary."""
    libraries = _libraries()
    frame: FrameType | None = inspect.currentframe()
    while frame is not None:
        module = _module_of(frame)
        if is_guard(frame.f_code) or module in {"sekisho.border.admit", "sekisho.border.hand_back"}:
            return None
        if module.partition(".")[0] not in libraries:
            return frame
        frame = frame.f_back
    return None


def _own_line(frame: FrameType) -> FrameType:
    """Return the reader's own frame, where a third party's line crosses: the nearest, up to the body.

    A body that is a third party's itself is the next best; in a job's thread no body is found.
    """
    each: FrameType | None = frame
    body = frame
    while each is not None:
        kind = kind_of(each)
        if kind == OWN:
            return each
        if kind == GUARD:
            return body
        if kind != SEKISHO:
            body = each
        each = each.f_back
    return frame


def _text_of(frame: FrameType) -> str:
    """Return a frame's line, with the file: of a library's, its path inside of the package."""
    filename, line = frame.f_code.co_filename, frame.f_lineno
    source = linecache.getline(filename, line, frame.f_globals).strip()
    path = Path(filename)
    depth = 1
    if kind_of(frame) == LIBRARY:
        depth += _module_of(frame).count(".") + (path.stem == "__init__")
    return f"{'/'.join(path.parts[-depth:])}:{line}: {source}"


def _to_the_line(traceback: TracebackType | None) -> TracebackType | None:
    """A traceback that ends at the line of `_line`: what follows is how a library came to ask here."""
    libraries = _libraries()
    each = last = traceback
    while each is not None:
        if _module_of(each.tb_frame).partition(".")[0] not in libraries:
            last = each
        each = each.tb_next
    if last is not None:
        last.tb_next = None
    return traceback


def _libraries() -> set[str]:
    return {"sekisho", *(world.name for world in loaded_worlds())}


def _module_of(frame: FrameType) -> str:
    return str(frame.f_globals.get("__name__", ""))
