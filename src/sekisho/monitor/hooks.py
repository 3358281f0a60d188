"""Install the hooks that report a library's operations in monitored bodies.

torch has modes, so one is pushed for each body. For all other libraries, and for operations that do
not reach modes, functions are wrapped. The wrappers stay as long as strict mode is in force
anywhere in the process or a body is monitored; then the libraries are restored.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any, Final

from sekisho.context import after_strict, is_strict_anywhere
from sekisho.errors import hide_in_pytest
from sekisho.monitor.broadcasting import judge_broadcast
from sekisho.monitor.judging import judge
from sekisho.monitor.state import Watch, thread
from sekisho.utils import Observer, not_counted, once
from sekisho.worlds import (
    Library,
    OperationKind,
    Watcher,
    is_compiling,
    loaded_worlds,
    wrap_operations,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

__all__ = ["begin_body", "end_body", "starters"]

__warningregistry__ = None  # `utils.warned` explains why

__tracebackhide__ = hide_in_pytest

_observer: Final = Observer(rank=0, keeps=True)
_lock: Final = (
    threading.RLock()
)  # reentrant: a finalizer in the same thread may leave a block of strict mode

starters: Final[list[Callable[[Observer], None]]] = []
"""Functions that wrap what starts threads and tasks, called when a body begins: see `jobs`."""


class _State:
    """Reasons to keep the wrappers.

    Attributes:
        bodies: number of threads that run a monitored body.
        wrapped: the libraries whose functions are wrapped.
    """

    bodies: int = 0
    wrapped: Final[set[Library]] = set()


def begin_body() -> list[Watcher]:
    """Start reporting the loaded libraries' operations in this thread, until `end_body`."""
    worlds = loaded_worlds()
    with _lock:
        _State.bodies += 1
        for world in worlds:
            if world not in _State.wrapped:
                _State.wrapped.add(world)
                wrap_operations(_observer, world, _unshown(world), _judged)
                if not world.shows_all:
                    wrap_operations(_observer, world, _only_element_wise(world), _judged_pair)
        for wrap in starters:
            wrap(_observer)
    watchers = [watcher for watcher in map(_watcher, worlds) if watcher is not None]
    for each in watchers:
        each.push()
    return watchers


def end_body(watchers: list[Watcher]) -> None:
    """Stop reporting for the most recent body of this thread."""
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


def _unshown(world: Library) -> Mapping[OperationKind, tuple[str, ...]]:
    if world.unshown is not None:
        return world.unshown
    # A body may always move an array between devices, and wait.
    return {kind: names for kind, names in world.operations.items() if kind not in {"move", "wait"}}


def _only_element_wise(world: Library) -> Mapping[OperationKind, tuple[str, ...]]:
    """Return the element-wise operations that are not wrapped already."""
    wrapped = {name for names in _unshown(world).values() for name in names}
    return {"compute": tuple(name for name in world.element_wise if name not in wrapped)}


@once
def _watcher(world: Library) -> Watcher | None:
    return world.watcher(thread, _judge_call)


def _judge_call(
    watch: Watch,
    world: Library,
    kind: OperationKind,
    operation: Any,
    args: tuple[Any, ...],
    kwargs: dict[str, Any] | None,
) -> None:
    judge(watch, world, kind, operation, args, kwargs)
    if watch.broadcasting and kind in {"compute", "scalar"} and watch.home is world:
        judge_broadcast(watch, world, operation, (*args, *(kwargs or {}).values()))


@not_counted
def _judged(world: Library, kind: OperationKind, name: str, operation: Callable[..., Any]) -> Any:
    """Wrap an operation so that the monitor of the running body judges it first."""
    # In `__init__` after a `__new__` in C, `self` is the new object, which is not an argument.
    makes_itself = name.endswith(".__init__")

    def call(*args: Any, **kwargs: Any) -> Any:
        watch = None if is_compiling() else thread.watch
        if watch is None:
            return operation(*args, **kwargs)
        _judge_call(watch, world, kind, name, args[1:] if makes_itself else args, kwargs)
        thread.watch = None  # what the library does inside the operation is not judged
        try:
            return operation(*args, **kwargs)
        finally:
            thread.watch = watch

    return call


@not_counted
def _judged_pair(
    world: Library, _kind: OperationKind, name: str, operation: Callable[..., Any]
) -> Any:
    """Wrap an operation so that the monitor judges whether it expands both operands."""

    def call(*args: Any) -> Any:
        watch = None if is_compiling() else thread.watch
        if watch is not None and watch.broadcasting and watch.home is world:
            judge_broadcast(watch, world, name, args)
        return operation(*args)

    return call
