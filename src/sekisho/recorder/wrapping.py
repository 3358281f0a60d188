"""The operations of the libraries, wrapped while somebody counts, and put back after.

Each stands under its own name again when the last counter is gone. What was imported by name before
(``from torch import as_tensor``) is found in the modules and wrapped there too. A warning that an operation
gives stands at the line that called it, as it does without a wrapper.
"""

from __future__ import annotations

import contextlib
import functools
import itertools
import sys
from typing import TYPE_CHECKING, Any, Final

from sekisho.ground import begin_relocating, end_relocating
from sekisho.recorder.calls import make_call
from sekisho.recorder.observing import Operation
from sekisho.worlds import World, find_operation, initialize

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["unwrap_all", "wrap_world"]

_MISSING: Final = object()
_places: Final[list[tuple[Any, str, Any, Any]]] = []
"""What stands where: holder, name, what it held itself before, and the wrapper."""

_done: Final[set[World]] = set()
_number: Final = itertools.count()


def wrap_world(world: World) -> None:
    """Wrap the operations of a library that is imported."""
    if world in _done or not world.watched:
        return
    if not _done:
        begin_relocating()
    _done.add(world)
    world.prepare_wrapping()
    wrappers: dict[int, Any] = {}
    for kind, names in world.watched.items():
        for name in names:
            holder, last, original = find_operation(world, name)
            if original is None:
                continue
            wrapper = wrappers.get(id(original))
            if wrapper is None:
                operation = Operation(world, kind, name, world.operation_name(name), next(_number))
                wrapper = wrappers[id(original)] = _wrap(operation, original)
                world.note_wrapper(original, wrapper)
            _put(holder, last, wrapper)
    _wrap_imported(world, wrappers)


def _wrap(operation: Operation, original: Callable[..., Any]) -> Callable[..., Any]:
    if original is object.__init__:
        original = initialize
    wrapper = make_call(operation, original)
    names = ("__module__", "__name__", "__qualname__", "__doc__")
    # An extension's function may have something else than text there.
    texts = [name for name in names if isinstance(getattr(original, name, None), str)]
    return functools.update_wrapper(wrapper, original, assigned=texts)


def _put(holder: Any, name: str, wrapper: Any) -> None:
    names: Any = holder.__dict__
    before = names.get(name, _MISSING)
    with contextlib.suppress(AttributeError, TypeError):  # a class of C's may be closed
        setattr(holder, name, wrapper)
        _places.append((holder, name, before, wrapper))


def _wrap_imported(world: World, wrappers: dict[int, Any]) -> None:
    """Find what other modules have imported by name. A library's own modules stay as they are."""
    # A name that is older than strict mode's own wrapper holds what that one wraps.
    for wrapper in tuple(wrappers.values()):
        if hasattr(wrapper.__wrapped__, "__sekisho_shown__"):
            wrappers[id(wrapper.__wrapped__.__wrapped__)] = wrapper
    for name, module in tuple(sys.modules.items()):
        if name.partition(".")[0] in {world.name, "sekisho"}:
            continue
        names: dict[str, Any] = getattr(module, "__dict__", {})
        for key, value in tuple(names.items()):
            wrapper = wrappers.get(id(value))
            if wrapper is not None and wrapper is not value:
                _put(module, key, wrapper)


def unwrap_all() -> None:
    """Put back what stood there before; what somebody else has put there since stays."""
    if _done:
        end_relocating()
    for holder, name, before, wrapper in reversed(_places):
        names: Any = holder.__dict__
        if names.get(name) is wrapper:
            if before is _MISSING:
                delattr(holder, name)
            else:
                setattr(holder, name, before)
    _places.clear()
    _done.clear()
