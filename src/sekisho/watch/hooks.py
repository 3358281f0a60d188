"""How the operations of libraries come into view in watched bodies.

A library that has modes, as torch has, is shown by one that is pushed for each body. For all others, and
for what modes do not see, functions are wrapped. The wrappers stand while strict mode is in force
anywhere in the process, or a body is watched; then the libraries are as they were.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any, Final

from sekisho.context import after_strict, is_strict_anywhere
from sekisho.ground import Observer, not_counted, once
from sekisho.watch.judging import judge
from sekisho.watch.state import thread
from sekisho.worlds import Kind, Watcher, World, is_compiling, loaded_worlds, wrap_operations

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

__all__ = ["begin_body", "end_body", "starters"]

__warningregistry__ = None  # see `ground.warned`

_observer: Final = Observer(rank=0, keeps=True)
_lock: Final = (
    threading.RLock()
)  # again by the same thread: a finalizer may leave a block of strict mode

starters: Final[list[Callable[[Observer], None]]] = []
"""What wraps functions that start threads and tasks, at the beginning of each body: see `jobs`."""


class _State:
    """For whom the wrappers stand.

    Attributes:
        bodies: how many threads run a watched body.
        wrapped: the libraries whose functions are wrapped.
    """

    bodies: int = 0
    wrapped: Final[set[World]] = set()


def begin_body() -> list[Watcher]:
    """Have the libraries that are there show their operations in this thread, to `end_body`."""
    worlds = loaded_worlds()
    with _lock:
        _State.bodies += 1
        for world in worlds:
            if world not in _State.wrapped:
                _State.wrapped.add(world)
                wrap_operations(_observer, world, _unshown(world), _judged)
        for wrap in starters:
            wrap(_observer)
    watchers = [watcher for watcher in map(_watcher, worlds) if watcher is not None]
    for each in watchers:
        each.push()
    return watchers


def end_body(watchers: list[Watcher]) -> None:
    """End it for the body that has begun last in this thread."""
    for each in watchers:
        each.pull()
    with _lock:
        _State.bodies -= 1
        _end_if_idle()


@after_strict
def _end_if_idle() -> None:
    with _lock:
        if _State.bodies == 0 and not is_strict_anywhere():
            _State.wrapped.clear()
            _observer.end()


def _unshown(world: World) -> Mapping[Kind, tuple[str, ...]]:
    if world.unshown is not None:
        return world.unshown
    # No body is refused to move an array, or to wait.
    return {kind: names for kind, names in world.watched.items() if kind not in {"move", "wait"}}


@once
def _watcher(world: World) -> Watcher | None:
    return world.watcher(thread, judge)


@not_counted
def _judged(world: World, kind: Kind, name: str, operation: Callable[..., Any]) -> Any:
    """Wrap an operation, so that a watched body's watch judges it first."""
    # Of a class whose `__new__` is C's: the object that is being made says nothing yet.
    makes_itself = name.endswith(".__init__")

    def call(*args: Any, **kwargs: Any) -> Any:
        watch = None if is_compiling() else thread.watch
        if watch is None:
            return operation(*args, **kwargs)
        judge(watch, world, kind, name, args[1:] if makes_itself else args, kwargs)
        thread.watch = None  # what an operation does inside is the library's own business
        try:
            return operation(*args, **kwargs)
        finally:
            thread.watch = watch

    return call
