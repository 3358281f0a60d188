"""Report torch's operations with a function mode, which torch calls for each of them.

A few operations do not reach such modes: see `operations.UNSHOWN`.
"""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any

import numpy as np

from sekisho.utils import passing
from sekisho.worlds.torch import _private
from sekisho.worlds.torch.operations import kind_of_operation, suspects

if TYPE_CHECKING:
    from collections.abc import Callable

    from sekisho.worlds.library import Library

__all__ = ["Watcher", "make_watcher"]

__warningregistry__ = None  # `utils.warned` explains why


def make_watcher(world: Library, state: Any, judge: Callable[..., None]) -> Watcher | None:
    """Make the watcher for torch; None if this release does not allow changing its mode stack."""
    stack = _private.mode_stack(world.load())
    return None if stack is None else Watcher(world, stack, state, judge)


class Watcher:
    """Puts a function mode on torch's stack, and removes it."""

    def __init__(
        self, world: Library, stack: _private.ModeStack, state: Any, judge: Callable[..., None]
    ) -> None:
        self._stack = stack
        passing.add("torch.overrides")
        self._mode = _make_mode(world.load(), world, state, judge)

    def push(self) -> None:
        """Put the mode below all others: the top of the stack belongs to the body's own modes."""
        # A body that leaves a mode of its own pops the top, which must not be this one.
        above = self._pop_modes(until=None)
        self._push_modes([*above, self._mode])

    def pull(self) -> None:
        """Remove the mode, even if a suspended body has left other modes above it."""
        self._push_modes(self._pop_modes(until=self._mode))

    def _pop_modes(self, until: object) -> list[Any]:
        """Pop torch's modes, top first, up to and including `until`; return those above it."""
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


def _make_mode(torch: Any, world: Library, state: Any, judge: Callable[..., None]) -> Any:
    ndarray, compiling = np.ndarray, torch.compiler.is_compiling
    known, broadcasts = suspects(), functools.lru_cache(1024)(world.broadcasts)
    base: Any = torch.overrides.TorchFunctionMode

    def look(watch: Any, func: Any, args: tuple[Any, ...], kwargs: Any) -> None:
        if watch.home is not world or func in known:
            judge(watch, world, kind_of_operation(func), func, args, kwargs)
            return
        for each in args:
            if isinstance(each, ndarray):
                judge(watch, world, "compute", func, args, kwargs)
                return
        if watch.broadcasting and broadcasts(func):
            judge(watch, world, "compute", func, args, kwargs)

    class Mode(base):  # type: ignore[misc]  # torch is looked up at run time, never imported
        def __torch_function__(
            self, func: Any, _types: Any, args: tuple[Any, ...] = (), kwargs: Any = None
        ) -> Any:
            # Compilers trace this method, too, and must find nothing to do. Up to torch 2.6 they
            # also take along everything that a function closes over and do not support a dict of
            # functions. That is why `look` is a separate function.
            watch = None if compiling() else state.watch
            if watch is not None:
                look(watch, func, args, kwargs)
            return func(*args, **kwargs) if kwargs else func(*args)

    return Mode()
