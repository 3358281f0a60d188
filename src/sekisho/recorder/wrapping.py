"""Wrap the libraries' operations while a recording is active.

Functions that modules have already imported by name (``from torch import as_tensor``) are wrapped
in these modules, too. A library's own modules stay unchanged.
"""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any, Final

from sekisho.recorder.calls import make_call
from sekisho.recorder.expanding import unwrap_element_wise, wrap_element_wise
from sekisho.recorder.observing import Operation
from sekisho.utils import Observer
from sekisho.worlds import Library, OperationKind, wrap_operations

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["unwrap_all", "wrap_world"]

_observer: Final = Observer(rank=1)  # outside of strict mode's wrappers: it inspects its caller
_done: Final[set[Library]] = set()
_done_pairs: Final[set[Library]] = set()
_number: Final = itertools.count()


def wrap_world(world: Library, *, broadcasting: bool) -> None:
    """Wrap the operations of an imported library.

    Args:
        world: the library's world.
        broadcasting: whether to count the operations that expand both operands, too.
    """
    if broadcasting and world not in _done_pairs:
        _done_pairs.add(world)
        wrap_element_wise(world)
    if world in _done or not world.operations:
        return
    _done.add(world)
    wrap_operations(_observer, world, world.operations, _counted)
    _observer.wrap_imported(world, {world.name, "sekisho"})


def _counted(world: Library, kind: OperationKind, name: str, operation: Callable[..., Any]) -> Any:
    number = next(_number)
    return make_call(Operation(world, kind, name, world.operation_name(name), number), operation)


def unwrap_all() -> None:
    """Remove all wrappers."""
    _observer.end()
    unwrap_element_wise()
    _done.clear()
    _done_pairs.clear()
