"""How the operations of torch come into view: a mode that torch shows them, in this thread.

Few operations are not shown to such modes: see `operations.UNSHOWN`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from sekisho.ground import passing
from sekisho.worlds.torch import _private
from sekisho.worlds.torch.operations import kind_of_operation, suspects

if TYPE_CHECKING:
    from collections.abc import Callable

    from sekisho.worlds.world import World

__all__ = ["Watcher", "make_watcher"]

__warningregistry__ = None  # see `ground.warned`


def make_watcher(world: World, state: Any, judge: Callable[..., None]) -> Watcher | None:
    """Make what puts the mode on torch's stack; None if this release lets nobody."""
    stack = _private.mode_stack(world.load())
    return None if stack is None else Watcher(world, stack, state, judge)


class Watcher:
    """Puts the mode on torch's stack, and takes it away again."""

    def __init__(
        self, world: World, stack: _private.ModeStack, state: Any, judge: Callable[..., None]
    ) -> None:
        self._stack = stack
        passing.add("torch.overrides")
        self._mode = _make_mode(world.load(), world, state, judge)

    def push(self) -> None:
        """Put the mode below all others: one that a body has entered, leaves by popping the top."""
        above = self._pop_modes(until=None)
        self._push_modes([*above, self._mode])

    def pull(self) -> None:
        """Take it away, from under those that a suspended body has left above it."""
        self._push_modes(self._pop_modes(until=self._mode))

    def _pop_modes(self, until: object) -> list[Any]:
        """Take torch's modes off their stack, the top first, down to one that is taken off too."""
        stack, popped = self._stack, list[Any]()
        while stack.size():
            top = stack.pop()
            if top is until:
                break
            popped.append(top)
        return popped

    def _push_modes(self, popped: list[Any]) -> None:
        for each in reversed(popped):
            self._stack.push(each)


def _make_mode(torch: Any, world: World, state: Any, judge: Callable[..., None]) -> Any:
    ndarray, compiling = np.ndarray, torch.compiler.is_compiling
    known = suspects()
    base: Any = torch.overrides.TorchFunctionMode

    def look(watch: Any, func: Any, args: tuple[Any, ...], kwargs: Any) -> None:
        if watch.home is not world or func in known:
            judge(watch, world, kind_of_operation(func), func, args, kwargs)
            return
        for each in args:
            if isinstance(each, ndarray):
                judge(watch, world, "compute", func, args, kwargs)
                return

    class Mode(base):  # type: ignore[misc]  # of a library that is looked up, never imported
        def __torch_function__(
            self, func: Any, _types: Any, args: tuple[Any, ...] = (), kwargs: Any = None
        ) -> Any:
            # A compiler traces this too, and must find nothing to do; up to torch 2.6 it takes all that
            # a function closes over along, and knows no dict of functions: that is why `look` is apart.
            watch = None if compiling() else state.watch
            if watch is not None:
                look(watch, func, args, kwargs)
            return func(*args, **kwargs) if kwargs else func(*args)

    return Mode()
