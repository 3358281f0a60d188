"""Convert one value to another world with the same bits, or refuse with a hint.

Each world defines what it can accept and return; this module has the rules for every pair. Use a
flag rather than an exception for control flow wherever there is one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from sekisho.errors import SekishoError, first_line, is_out_of_memory, with_class
from sekisho.worlds.dtypes import class_of
from sekisho.worlds.policy import Converted, Policy, Refusal
from sekisho.worlds.registry import HOST, find_world, loaded_worlds
from sekisho.worlds.tracing import is_compiling

if TYPE_CHECKING:
    from collections.abc import Callable

    from sekisho.worlds.library import Library

__all__ = ["Quick", "convert", "exports_memory", "quick_share"]


def convert(value: Any, target: Library, policy: Policy) -> Converted:
    """Convert an array of any world, or an object that exports its memory, to the `target` world.

    Raises:
        Refusal: if that would change a value, cut a graph, or copy although the policy forbids it;
            also for any error that a library or the value itself raises.
        MemoryError: unchanged, like torch's own, because the caller may retry with less.
    """
    if is_compiling():
        return _convert(value, target, policy)
    try:
        return _convert(value, target, policy)
    # An error of sekisho explains itself already: strict mode may refuse an operation in here.
    except (Refusal, SekishoError):
        raise
    except Exception as error:
        if is_out_of_memory(error):
            raise
        raise Refusal(with_class(error)) from None


def _convert(value: Any, target: Library, policy: Policy) -> Converted:
    source = find_world(value)
    if source is None:
        value = _import_memory(value)
        source = HOST
    if source is target:
        return target.move(value, policy)
    if target is HOST:
        return source.to_host(value, policy)
    if source is HOST:
        return target.from_host(value, policy)
    # Through host memory. No other code sees the intermediate array, so it need not be read-only.
    once = policy._replace(copy=False if policy.copy is False else None, device=None)
    host = source.to_host(value, once._replace(read_only=False, extended=True))
    made = target.from_host(host.value, policy)
    return Converted(made.value, host.copied or made.copied)


def exports_memory(value: object) -> bool:
    """Return whether a value exports its memory as an array, such as a PIL image or Arrow array."""
    kind = class_of(value)
    return hasattr(kind, "__array_interface__") or hasattr(kind, "__dlpack__")


def _import_memory(value: Any) -> np.ndarray[Any, Any]:
    if hasattr(class_of(value), "__array_interface__"):
        return np.asarray(value)
    try:
        return np.from_dlpack(value)
    except (BufferError, RuntimeError, TypeError, ValueError) as error:
        raise Refusal(f"its memory cannot be read as an array: {first_line(error)}") from None


class Quick(NamedTuple):
    """The fast path into a world, for the simplest values.

    Attributes:
        share: shares a value's memory, or returns None to leave the value to `convert`.
        is_compiling: the fastest test for tracing that is valid where `share` is called.
        gives_host: whether `share` returns a NumPy array, rather than accept one.
    """

    share: Callable[[Any], Any]
    is_compiling: Callable[[], bool]
    gives_host: bool


def quick_share(
    target: Library, dtypes: frozenset[Any] | None = None, *, read_only: bool
) -> Quick | None:
    """Make the fast path into a world from all loaded worlds; None if there is none (yet).

    Args:
        target: the world to convert to.
        dtypes: the host's dtypes to share; None for all.
        read_only: whether a shared NumPy array must be read-only.
    """
    if not target.is_loaded():
        return None
    if target is not HOST:
        share, asks = target.quick_from_host(dtypes), target.quick_is_compiling()
        return Quick(share, asks or is_compiling, gives_host=False) if share else None
    found = [(world, world.quick_to_host(dtypes, read_only=read_only)) for world in loaded_worlds()]
    ways = [(world, share) for world, share in found if share is not None]
    if len(ways) != 1:
        # Trying one world after the other would be slower than the slow path of each.
        return None
    world, share = ways[0]
    return Quick(share, world.quick_is_compiling() or is_compiling, gives_host=True)
