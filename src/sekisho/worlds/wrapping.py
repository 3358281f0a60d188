"""Operations that come into view by being wrapped: for libraries that show none themselves."""

from __future__ import annotations

import contextlib
import functools
import inspect
from typing import TYPE_CHECKING, Any

from sekisho.ground import begin_relocating
from sekisho.worlds.tracing import is_compiling

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from sekisho.worlds.shown import Kind
    from sekisho.worlds.world import World

__all__ = ["find_operation", "initialize", "operators_of", "scalars_of", "shown", "wrap_watched"]


def operators_of(kind: str) -> tuple[str, ...]:
    """The operators of an array class, and its indexing, for `World.watched`."""
    names = ["add", "sub", "mul", "truediv", "floordiv", "mod", "pow", "matmul"]
    return (f"{kind}.__getitem__", *(f"{kind}.__{r}{each}__" for each in names for r in ("", "r")))


def scalars_of(kind: str) -> tuple[str, ...]:
    """What makes Python's numbers of an array of a class, for `World.watched`."""
    names = ["item", "tolist", "__bool__", "__int__", "__float__", "__complex__", "__index__"]
    return tuple(f"{kind}.{each}" for each in names)


def wrap_watched(
    world: World,
    state: Any,
    judge: Callable[..., None],
    watched: Mapping[Kind, tuple[str, ...]] | None = None,
) -> None:
    """Wrap what a world wants watched, in its library, once a process.

    What was imported by its own name before is not seen: ``from jax.numpy import asarray``.

    Args:
        world: whose operations they are.
        state: see `Shown.watcher`.
        judge: see `Shown.watcher`.
        watched: the operations by kind, if they are not `World.watched`.
    """
    watched = world.watched if watched is None else watched
    if watched:
        begin_relocating()
    for kind, names in watched.items():
        if kind in {"move", "wait"}:
            continue  # which no body is refused
        for name in names:
            holder, last, operation = find_operation(world, name)
            if operation is not None and not hasattr(operation, "__sekisho_shown__"):
                with contextlib.suppress(AttributeError, TypeError):  # a class of C's may be closed
                    setattr(holder, last, shown(world, kind, operation, state, judge, name))


def find_operation(world: World, name: str) -> tuple[Any, str, Any]:
    """Where an operation of `World.watched` stands, under which name, and itself; None if nowhere."""
    path, _, last = name.rpartition(".")
    holder: Any = world.load()
    for part in filter(None, path.split(".")):
        holder = getattr(holder, part, None)
    return holder, last, getattr(holder, last, None)


def shown(
    world: World,
    kind: Kind,
    operation: Callable[..., Any],
    state: Any,
    judge: Callable[..., None],
    name: str | None = None,
) -> Callable[..., Any]:
    """Wrap one operation, so that a watched body's watch judges it first; `name` is what it says."""
    operation_or_name = name or operation

    @functools.wraps(operation)
    def call(*args: Any, **kwargs: Any) -> Any:
        watch = None if is_compiling() else state.watch
        if watch is None:
            return operation(*args, **kwargs)
        judge(watch, world, kind, operation_or_name, args, kwargs)
        state.watch = None  # what an operation does inside is the library's own business
        try:
            return operation(*args, **kwargs)
        finally:
            state.watch = watch

    vars(call)["__sekisho_shown__"] = True
    return call


@functools.wraps(object.__init__)
def initialize(self: Any, *args: Any, **kwargs: Any) -> None:
    """`object.__init__` of a class that has none: what `__new__` took is no error, as it was none.

    It still is one for a subclass that hands it on from an `__init__` of its own.
    """
    if (args or kwargs) and inspect.unwrap(
        type(self).__init__, stop=_is_initialize
    ) is not initialize:
        object.__init__(self, *args, **kwargs)


def _is_initialize(function: Any) -> bool:
    return function is initialize  # which has a `__wrapped__` itself
