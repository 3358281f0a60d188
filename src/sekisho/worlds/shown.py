"""What a library shows of its operations: for strict mode, which refuses, and for whoever counts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from sekisho.worlds.world import World

__all__ = ["Kind", "Shown", "Watcher"]

Kind = Literal["look", "scalar", "export", "import", "compute", "move", "wait"]
"""What an operation does: tells about an array, makes Python numbers, makes a host array, makes an
array of what it is given, may take another library's array along, moves one between devices, waits
for a device."""


class Watcher(Protocol):
    """What shows a watched body's operations: from `push` on, in this thread, until `pull`."""

    def push(self) -> None:
        """Begin to show them."""
        ...

    def pull(self) -> None:
        """Stop."""
        ...


class Shown:
    """The part of a `World` that says which operations matter, and what they do.

    Attributes:
        shows_all: whether its watcher shows every operation on its arrays.
        watched: the operations by which arrays may cross, by what they do: dotted names inside of
            the library, of functions and of methods. They are wrapped while somebody counts
            crossings, and for strict mode, where the library has no better way: see `unshown`.
        unshown: those that no watcher shows, so that strict mode wraps them; None is all that a body
            may be refused.
        quick: those of these whose plain calls, of one array on the host, always do the same with
            its memory.
        cheaper: for an operation of these that always copies, the call that shares.
    """

    name: str = ""
    shows_all: bool = False
    watched: Mapping[Kind, tuple[str, ...]] = {}
    unshown: Mapping[Kind, tuple[str, ...]] | None = None
    quick: frozenset[str] = frozenset()
    cheaper: Mapping[str, str] = {}

    def watcher(self, state: Any, judge: Callable[..., None]) -> Watcher | None:  # noqa: ARG002 - most have none
        """Make what shows the library's operations in watched bodies; None if nothing does.

        Args:
            state: has, as ``state.watch``, the watch over this thread's body, or None.
            judge: called as ``judge(watch, world, kind, operation, args, kwargs)`` before the
                operation runs. It raises if that may not be.
        """
        return None

    def operation_name(self, operation: Any) -> str:
        """What a message calls an operation: one of the library's, or a dotted name of `watched`."""
        if isinstance(operation, str):
            return f"{self.name}.{operation}"
        name = getattr(operation, "__qualname__", None) or operation.__name__
        return f"{self.name}.{name}"

    # --- for whoever counts crossings

    def prepare_wrapping(self) -> None:
        """Called before `watched` is wrapped: for tables that the library makes of its functions."""

    def note_wrapper(self, original: Any, wrapper: Any) -> None:
        """Called with each wrapper: for what looks functions up by identity."""

    def why_copied(
        self,
        operation: str,
        value: Any,
        crossed: Any,
        source: World,
        target: World,
        *,
        is_list: bool = False,  # noqa: ARG002 - what it is made of decides, where libraries differ
    ) -> str | None:
        """Why an operation had to copy a value's memory; None if the two share it.

        Args:
            operation: the name of it in `watched`.
            value: the array that it was given.
            crossed: what it made of it; the value itself, where nobody has seen that.
            source: the world of the one.
            target: the world of the other.
            is_list: whether `value` is the first of a list.
        """
        if crossed is value:
            return f"{self.operation_name(operation)} works on a copy of it"
        before, after = source.device_name(value), target.device_name(crossed)
        if before != after:
            return f"it moved from {before} to {after}"
        pointers = (_pointer(value), _pointer(crossed))
        if None not in pointers and pointers[0] == pointers[1]:
            return None
        return f"{self.operation_name(operation)} copied it"

    def waits_for(self, operation: str, args: tuple[Any, ...]) -> str:  # noqa: ARG002 - its name may tell
        """The device that a call of an operation waits for, in the log."""
        world: Any = self
        first = args[0] if args else None
        return world.device_name(first) if world.owns(first) else "device"

    def worker_name(self) -> str | None:
        """What the library calls this process, if it has started it as a worker."""
        return None


def _pointer(value: Any) -> int | None:
    """Where a value's memory begins, if it says so."""
    if hasattr(value, "unsafe_buffer_pointer"):  # JAX: its __array_interface__ may copy
        return int(value.unsafe_buffer_pointer())
    try:
        return int(value.__array_interface__["data"][0])
    except (AttributeError, KeyError, TypeError, ValueError, RuntimeError):
        return None
