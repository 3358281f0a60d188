"""Operations of libraries by their names, and how an observer wraps them."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any

from sekisho.ground import once

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from sekisho.ground import Observer
    from sekisho.worlds.shown import Kind
    from sekisho.worlds.world import World

__all__ = ["find_operation", "operators_of", "scalars_of", "wrap_operations"]


def operators_of(kind: str) -> tuple[str, ...]:
    """The operators of an array class, and its indexing, for `World.watched`."""
    names = ["add", "sub", "mul", "truediv", "floordiv", "mod", "pow", "matmul"]
    return (f"{kind}.__getitem__", *(f"{kind}.__{r}{each}__" for each in names for r in ("", "r")))


def scalars_of(kind: str) -> tuple[str, ...]:
    """What makes Python's numbers of an array of a class, for `World.watched`."""
    names = ["item", "tolist", "__bool__", "__int__", "__float__", "__complex__", "__index__"]
    return tuple(f"{kind}.{each}" for each in names)


def wrap_operations(
    observer: Observer,
    world: World,
    operations: Mapping[Kind, tuple[str, ...]],
    make: Callable[[World, Kind, str, Any], Any],
) -> None:
    """Wrap operations of a library that is imported, until the observer ends.

    Args:
        observer: who wraps them.
        world: whose operations they are.
        operations: their dotted names, by what they do.
        make: makes a wrapper of the world, what an operation does, its name, and what to call.
    """
    _prepare(world)

    def wrapper_of(kind: Kind, name: str, inner: Any) -> Any:
        made = make(world, kind, name, inner)
        names = ("__module__", "__name__", "__qualname__", "__doc__")
        # An extension's function may have something else than text there.
        texts = [each for each in names if isinstance(getattr(inner, each, None), str)]
        functools.update_wrapper(made, inner, assigned=texts)
        world.note_wrapper(inner, made)
        return made

    for kind, names in operations.items():
        for name in names:
            holder, last, operation = find_operation(world, name)
            if operation is not None:
                observer.wrap(holder, last, world, functools.partial(wrapper_of, kind, name))


@once
def _prepare(world: World) -> None:
    world.prepare_wrapping()


def find_operation(world: World, name: str) -> tuple[Any, str, Any]:
    """Where an operation of `World.watched` stands, under which name, and itself; None if nowhere."""
    path, _, last = name.rpartition(".")
    holder: Any = world.load()
    for part in filter(None, path.split(".")):
        holder = getattr(holder, part, None)
    return holder, last, getattr(holder, last, None)
