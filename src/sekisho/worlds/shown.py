"""The operations of a library that strict mode may refuse and that crossing logs count."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, Literal, Protocol

from sekisho.worlds.tested import Tested
from sekisho.worlds.together import Together

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from sekisho.worlds.library import Library

__all__ = ["FUNCTIONS", "LOSSES", "OPERATORS", "OperationKind", "Shown", "Watcher"]

OperationKind = Literal["look", "scalar", "export", "import", "compute", "move", "wait"]
"""What an operation does: inspects an array, returns Python numbers, returns a host array, makes an
array from any argument, computes (possibly with a foreign array), moves an array between devices,
waits for a device."""


OPERATORS: Final = (
    "add sub mul div truediv floordiv mod pow and or xor lt le gt ge eq ne lshift rshift"
)
FUNCTIONS: Final = (
    "subtract multiply divide true_divide floor_divide remainder fmod power float_power maximum "
    "minimum fmax fmin less less_equal greater greater_equal not_equal isclose logical_and "
    "logical_or logical_xor bitwise_and bitwise_or bitwise_xor bitwise_left_shift "
    "bitwise_right_shift atan2 arctan2 hypot copysign nextafter ldexp logaddexp logaddexp2 "
    "heaviside gcd lcm xlogy xlog1py zeta polar complex where lerp addcmul addcdiv clamp clip "
    "allclose dist masked_fill cosine_similarity pairwise_distance"
)
LOSSES: Final = (
    "mse_loss l1_loss smooth_l1_loss huber_loss kl_div poisson_nll_loss gaussian_nll_loss "
    "hinge_embedding_loss"
)
_BROADCASTING: Final = frozenset(f"{OPERATORS} {FUNCTIONS} {LOSSES}".split())
"""Names of operations that broadcast: NumPy's, and losses that compare element by element."""


class Watcher(Protocol):
    """Reports the operations of a monitored body, in this thread, between `push` and `pull`."""

    def push(self) -> None:
        """Start reporting."""
        ...

    def pull(self) -> None:
        """Stop reporting."""
        ...


class Shown(Tested, Together):
    """The part of a `Library` that says more about its operations than `World.operations`.

    Attributes:
        shows_all: whether its watcher reports every operation on its arrays.
        unshown: operations that no watcher reports, so that strict mode wraps them. None stands for
            every operation that strict mode may refuse.
        quick: names from `operations` whose single-argument calls on a CPU array always copy, or
            always share; the recorder takes a fast path for them.
        element_wise: operations that broadcast their operands, by the same names as `operations`.
        cheaper: for one of `operations` that always copies, the call that shares memory instead.
        passes_on: how the names of the library's modules begin that only pass a user's operation on.
    """

    name: str
    shows_all: bool = False
    unshown: Mapping[OperationKind, tuple[str, ...]] | None = None
    quick: frozenset[str] = frozenset()
    element_wise: tuple[str, ...] = ()
    cheaper: Mapping[str, str] = {}
    passes_on: tuple[str, ...] = ()

    def watcher(self, state: Any, judge: Callable[..., None]) -> Watcher | None:  # noqa: ARG002 - most have none
        """Make an object that reports the library's operations; None if there is no mechanism.

        Args:
            state: an object whose attribute ``watch`` is the monitor of this thread's body, or
                None.
            judge: called as ``judge(watch, world, kind, operation, args, kwargs)`` before the
                operation runs. Raises if the operation is not allowed.
        """
        return None

    def broadcasts(self, operation: Any) -> bool:
        """Return whether an operation broadcasts its operands: it is element by element.

        Args:
            operation: a function, or a name from `operations`.
        """
        name = operation if isinstance(operation, str) else str(getattr(operation, "__name__", ""))
        last = name.rpartition(".")[2]
        plain = last.removeprefix("special_").strip("_")
        return plain in _BROADCASTING or (last.startswith("__r") and plain[1:] in _BROADCASTING)

    def operation_name(self, operation: Any) -> str:
        """Return a message's name for an operation, which is a function or a name of `operations`."""
        if isinstance(operation, str):
            return f"{self.name}.{operation}"
        name = getattr(operation, "__qualname__", None) or operation.__name__
        return f"{self.name}.{name}"

    def may_share(self, value: Any, other: Any) -> bool:
        """Return whether a write into another array may be one into this array."""
        return value is other

    # --- for counting crossings

    def prepare_wrapping(self) -> None:
        """Run before `operations` are wrapped, for tables that the library makes of its functions."""

    def note_wrapper(self, original: Any, wrapper: Any) -> None:
        """Register a wrapper, for code that looks up functions by identity."""

    def why_copied(
        self,
        operation: str,
        value: Any,
        crossed: Any,
        source: Library,
        target: Library,
        *,
        is_list: bool = False,  # noqa: ARG002 - only some libraries treat lists differently
    ) -> str | None:
        """Return why an operation had to copy a value's memory; None if it is shared.

        Args:
            operation: its name in `operations`.
            value: the array that it was called with.
            crossed: the result, or the value itself if the result is unknown.
            source: the world of `value`.
            target: the world of `crossed`.
            is_list: whether `value` is the first item of a list.
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

    def waits_for(self, operation: str, args: tuple[Any, ...]) -> str:  # noqa: ARG002 - some use it
        """Return the name of the device that a call waits for, for the log."""
        world: Any = self
        first = args[0] if args else None
        return world.device_name(first) if world.owns(first) else "device"

    def worker_name(self) -> str | None:
        """Return the library's name for this process if it is a worker of the library."""
        return None


def _pointer(value: Any) -> int | None:
    """Return the address of a value's memory, or None if it is not available."""
    if hasattr(value, "unsafe_buffer_pointer"):  # JAX: its __array_interface__ may copy
        return int(value.unsafe_buffer_pointer())
    try:
        return int(value.__array_interface__["data"][0])
    except (AttributeError, KeyError, TypeError, ValueError, RuntimeError):
        return None
