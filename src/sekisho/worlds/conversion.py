"""One value to another world, its values bit-equal, or a refusal that names the call that helps.

A library says what it can take and hand out; here is what holds for every pair. Never an exception as
control flow where a look at a flag tells.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from sekisho.errors import SekishoError
from sekisho.worlds.dtypes import class_of
from sekisho.worlds.policy import Converted, Policy, Refusal
from sekisho.worlds.registry import HOST, find_world, loaded_worlds
from sekisho.worlds.tracing import is_compiling

if TYPE_CHECKING:
    from collections.abc import Callable

    from sekisho.worlds.world import World

__all__ = ["Quick", "convert", "exports_memory", "quick_share"]


def convert(value: Any, target: World, policy: Policy) -> Converted:
    """Convert an array of any world, or what exports its memory as one, to the `target` world.

    Raises:
        Refusal: if that would change a value, cut a graph, or copy against the policy, and for
            whatever a library, or the value itself, raises on the way.
        MemoryError: (and torch's own) as it is: who catches it tries again with less.
    """
    if is_compiling():
        return _convert(value, target, policy)
    try:
        return _convert(value, target, policy)
    # An error of ours says what it means: strict mode refuses what a body does here.
    except (Refusal, SekishoError):
        raise
    except Exception as error:
        if isinstance(error, MemoryError) or type(error).__name__ == "OutOfMemoryError":
            raise
        raise Refusal(f"{type(error).__name__}: {str(error).partition(chr(10))[0]}") from None


def _convert(value: Any, target: World, policy: Policy) -> Converted:
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
    # By way of the host, where nobody else ever sees the array in between: it need not be read-only.
    once = policy._replace(copy=False if policy.copy is False else None, device=None)
    host = source.to_host(value, once._replace(read_only=False, extended=True))
    made = target.from_host(host.value, policy)
    return Converted(made.value, host.copied or made.copied)


def exports_memory(value: object) -> bool:
    """Whether a value of no world offers its memory as an array: a PIL image, an Arrow array."""
    kind = class_of(value)
    return hasattr(kind, "__array_interface__") or hasattr(kind, "__dlpack__")


def _import_memory(value: Any) -> np.ndarray[Any, Any]:
    if hasattr(class_of(value), "__array_interface__"):
        return np.asarray(value)
    try:
        return np.from_dlpack(value)
    except (BufferError, RuntimeError, TypeError, ValueError) as error:
        raise Refusal(f"its memory cannot be read as an array: {error}") from None


class Quick(NamedTuple):
    """The quick way into a world, for the plainest values.

    Attributes:
        share: shares a value's memory after a look, or returns None: it is left to `convert`.
        is_compiling: the quickest question whether a compiler traces, where `share` may be asked.
        gives_host: whether what comes out is the host's array, and not what goes in.
    """

    share: Callable[[Any], Any]
    is_compiling: Callable[[], bool]
    gives_host: bool


def quick_share(
    target: World, dtypes: frozenset[Any] | None = None, *, read_only: bool
) -> Quick | None:
    """Make the quick way into a world from all that are loaded; None if there is none (yet).

    Only what has one of these dtypes on the host is shared; None is all of them.
    """
    if target.array_type() is None:
        return None
    if target is not HOST:
        share, asks = target.quick_from_host(dtypes), target.quick_is_compiling()
        return Quick(share, asks or is_compiling, gives_host=False) if share else None
    found = [(world, world.quick_to_host(dtypes, read_only=read_only)) for world in loaded_worlds()]
    ways = [(world, share) for world, share in found if share is not None]
    if len(ways) != 1:
        # One question after the other would make each slower than it is by itself.
        return None
    world, share = ways[0]
    return Quick(share, world.quick_is_compiling() or is_compiling, gives_host=True)
