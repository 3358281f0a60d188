"""Look up a library's operations by name, and wrap them for an observer."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any

from sekisho.utils import once

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from sekisho.utils import Observer
    from sekisho.worlds.library import Library
    from sekisho.worlds.shown import OperationKind

__all__ = ["find_operation", "operators_of", "scalars_of", "wrap_operations"]


def operators_of(kind: str) -> tuple[str, ...]:
    """Return the names of an array class's operators and indexing, for `World.operations`."""
    names = ["add", "sub", "mul", "truediv", "floordiv", "mod", "pow", "matmul"]
    return (f"{kind}.__getitem__", *(f"{kind}.__{r}{each}__" for each in names for r in ("", "r")))


def scalars_of(kind: str) -> tuple[str, ...]:
    """Return the names of methods that make Python numbers of an array, for `World.operations`."""
    names = ["item", "tolist", "__bool__", "__int__", "__float__", "__complex__", "__index__"]
    return tuple(f"{kind}.{each}" for each in names)


def wrap_operations(
    observer: Observer,
    world: Library,
    operations: Mapping[OperationKind, tuple[str, ...]],
    make: Callable[[Library, OperationKind, str, Any], Any],
) -> None:
    """Wrap operations of an imported library until the observer ends.

    Args:
        observer: the observer that owns the wrappers.
        world: the library's world.
        operations: dotted names of the operations, by what they do.
        make: makes a wrapper from the world, the kind of operation, its name and the function.
    """
    _prepare(world)

    def wrapper_of(kind: OperationKind, name: str, inner: Any) -> Any:
        made = make(world, kind, name, inner)
        names = ("__module__", "__name__", "__qualname__", "__doc__")
        # In functions of a C extension these attributes need not be strings.
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
def _prepare(world: Library) -> None:
    world.prepare_wrapping()


def find_operation(world: Library, name: str) -> tuple[Any, str, Any]:
    """Return the holder of an operation, its name there and the operation, or None if missing."""
    path, _, last = name.rpartition(".")
    holder: Any = world.load()
    for part in filter(None, path.split(".")):
        holder = getattr(holder, part, None)
    return holder, last, getattr(holder, last, None)
