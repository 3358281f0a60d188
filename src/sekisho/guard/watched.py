"""Run bodies under strict mode's monitor: functions, coroutines, and generators of both kinds."""

from __future__ import annotations

import contextlib
import functools
import types
from typing import TYPE_CHECKING, Any, Final

from sekisho.context import current
from sekisho.errors import hide_in_pytest
from sekisho.guard.mutations import Unchanged, arguments_of
from sekisho.monitor import Watch, Watching, show_calls
from sekisho.utils import not_counted
from sekisho.validation import first_array_of
from sekisho.worlds import find_world, is_compiling

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Generator
    from contextlib import AbstractContextManager

    from sekisho.contract import Contract

__all__ = ["STARTS", "watched"]

__tracebackhide__ = hide_in_pytest


@not_counted
def watched(function: Callable[..., Any], contract: Contract) -> Callable[..., Any]:
    """Wrap a function so that its body is monitored whenever the mode is strict."""
    find = _watch_finder(contract)
    start = STARTS[contract.flavour]
    arguments = arguments_of(contract, function)
    show_calls(function)

    @functools.wraps(function, assigned=_SHOWN)
    def call(*args: Any, **kwargs: Any) -> Any:
        if is_compiling() or (setting := current()).name != "strict":
            return function(*args, **kwargs)
        watching, unchanged = Watching(find(args, kwargs)), None
        if arguments is not None and setting.mutations != "allow":
            unchanged = Unchanged(arguments, args, kwargs)
        if start is None:
            with watching, unchanged or _nothing:
                return function(*args, **kwargs)
        body = function(*args, **kwargs)
        return start(start(body, unchanged) if unchanged else body, watching)

    return call


_nothing: Final = contextlib.nullcontext()

_SHOWN: Final = tuple({*functools.WRAPPER_ASSIGNMENTS} - {"__module__"})
"""All but `__module__`: with it, dill would pickle all globals of this file."""


def _watch_finder(contract: Contract) -> Callable[[Any, Any], Watch | None]:
    """Make the function that returns what to monitor in a call; nothing in a boundary."""
    name, options = contract.function, contract.options
    scalars = options.scalars == "allow"
    if options.kind != "same_world":
        fixed = Watch(name, options.world, scalars) if options.world else None
        return lambda _args, _kwargs: fixed

    first_array = first_array_of(contract)

    def find(args: Any, kwargs: Any) -> Watch | None:
        world = find_world(first_array(*args, *kwargs.values()))
        return Watch(name, world) if world else None

    return find


@not_counted
def _steps(inner: Any, watching: AbstractContextManager[None]) -> Generator[Any, Any, Any]:
    """Run ``yield from inner``, each of its steps inside of the ``with`` block."""
    try:
        with watching:
            item = inner.send(None)
        while True:
            try:
                sent = yield item
            except GeneratorExit:
                with watching:
                    inner.close()
                raise
            except BaseException as error:  # noqa: BLE001 - the caller threw it into the body
                with watching:
                    item = inner.throw(error)
            else:
                with watching:
                    item = inner.send(sent)
    except StopIteration as stop:
        return stop.value


_awaited = types.coroutine(_steps)


@not_counted
async def _async_steps(
    inner: AsyncGenerator[Any, Any], watching: AbstractContextManager[None]
) -> AsyncGenerator[Any, Any]:
    try:
        # A step may be suspended itself, so each part of it runs inside of the block.
        item = await _awaited(inner.asend(None), watching)
        while True:
            try:
                sent = yield item
            except GeneratorExit:
                await _awaited(inner.aclose(), watching)
                raise
            except BaseException as error:  # noqa: BLE001 - the caller threw it into the body
                item = await _awaited(inner.athrow(error), watching)
            else:
                item = await _awaited(inner.asend(sent), watching)
    except StopAsyncIteration:
        return


STARTS: dict[str, Callable[[Any, Any], Any] | None] = {
    "function": None,
    "coroutine": _awaited,
    "generator": _steps,
    "async generator": _async_steps,
}
"""For each flavour, what runs a body step by step inside of a ``with`` block."""
