"""Wrappers that replace an operation while a recording is active: they call it and count the call.

They run at every call, so each kind of operation has its own wrapper, which starts with the test
that excludes most calls. If an equal call was seen at the same place in the code, the wrapper adds
to that place's sums itself (the fast path). All other calls use `Counter.add` (the slow path). Both
must count alike, which a test verifies.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, Final

from sekisho.context import declarations
from sekisho.recorder.counting import Counter, repeat, threads
from sekisho.recorder.observing import Operation, class_of, is_no_array, make_reader
from sekisho.utils import frame_at, not_counted
from sekisho.worlds import HOST

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["make_call", "state"]

__warningregistry__ = None  # `utils.warned` explains why


class _State:
    """The active counter; None if calls are not counted."""

    counter: Counter | None = None


state: Final = _State()


def make_call(operation: Operation, original: Callable[..., Any]) -> Callable[..., Any]:
    """Make the wrapper that replaces an operation."""
    if operation.kind == "scalar" and operation.name not in operation.world.quick:
        return _any(operation, original)  # it calls other scalar operations, which must not count
    make = {
        "export": _export,
        "import": _import,
        "scalar": _scalar,
        "move": _move,
        "compute": _compute,
    }
    return make.get(operation.kind, _any)(operation, original)


_clock: Final = time.perf_counter


@not_counted
def _any(operation: Operation, original: Callable[..., Any]) -> Callable[..., Any]:
    """Make the general wrapper, for any kind of operation, without a fast path."""
    # `_compute` adds a frame of its own.
    read, depth = make_reader(operation), 2 if operation.kind == "compute" else 1

    def call(*args: Any, **kwargs: Any) -> Any:
        counter, now = state.counter, threads.now
        if counter is None or now.is_inside:
            return original(*args, **kwargs)
        now.is_inside = True
        start = _clock()
        try:
            result = original(*args, **kwargs)
        finally:
            now.is_inside = False
        seconds = _clock() - start
        counter.add(operation, read, (args, kwargs, result), seconds, frame_at(depth))
        return result

    return call


@not_counted
def _export(operation: Operation, original: Callable[..., Any]) -> Callable[..., Any]:
    read, number, host = make_reader(operation), operation.number, HOST.array_type()
    may_be_quick = operation.name in operation.world.quick

    def call(*args: Any, **kwargs: Any) -> Any:
        counter, now = state.counter, threads.now
        if counter is None or now.is_inside:
            return original(*args, **kwargs)
        now.is_inside = True
        start = _clock()
        try:
            result = original(*args, **kwargs)
        except TypeError:
            # NumPy 2 requests a copy. If __array__ does not support the argument, it raises, and
            # NumPy calls it again without and copies the result itself.
            now.wants_copy = bool(kwargs.get("copy"))
            raise
        finally:
            now.is_inside = False
        seconds = _clock() - start
        frame = frame_at(1)
        is_plain = may_be_quick and len(args) == 1 and not kwargs and not now.wants_copy
        if is_plain and type(result) is host:
            # If anything in the process is declared, only the slow path can tell whether this call
            # is.
            site = now.quick.get((number, frame.f_lasti, id(frame.f_code)))
            if site and args[0].dtype is site.dtype and not declarations.exist:
                i = site.at
                site.counts[i] += 1
                site.nbytes[i] += result.nbytes
                site.seconds[i] += seconds
                return result
        counter.add(operation, read, (args, kwargs, result), seconds, frame, is_plain=is_plain)
        now.wants_copy = False
        return result

    return call


@not_counted
def _import(operation: Operation, original: Callable[..., Any]) -> Callable[..., Any]:
    read, number, host = make_reader(operation), operation.number, HOST.array_type()
    own, quick = operation.world.array_type(), operation.world.quick
    may_be_quick = operation.name in quick
    at = int(operation.is_method)

    def call(*args: Any, **kwargs: Any) -> Any:
        counter, now = state.counter, threads.now
        value: Any = args[at] if len(args) > at else None
        kind = class_of(value)
        if counter is None or now.is_inside or kind is own or (not kwargs and is_no_array(kind)):
            return original(*args, **kwargs)
        now.is_inside = True
        start = _clock()
        try:
            result = original(*args, **kwargs)
        finally:
            now.is_inside = False
        seconds = _clock() - start
        frame = frame_at(1)
        is_plain = may_be_quick and kind is host and len(args) == at + 1 and not kwargs
        if is_plain:
            site = now.quick.get((number, frame.f_lasti, id(frame.f_code)))
            if site and value.dtype is site.dtype and result.is_cpu and not declarations.exist:
                i = site.at
                site.counts[i] += 1
                site.nbytes[i] += value.nbytes
                site.seconds[i] += seconds
                if site.copied:
                    repeat(site, value)
                return result
        counter.add(operation, read, (args, kwargs, result), seconds, frame, is_plain=is_plain)
        return result

    return call


@not_counted
def _scalar(operation: Operation, original: Callable[..., Any]) -> Callable[..., Any]:
    read, number = make_reader(operation), operation.number
    may_be_quick = operation.name in operation.world.quick

    def call(*args: Any, **kwargs: Any) -> Any:
        counter, now = state.counter, threads.now
        if counter is None or now.is_inside:
            return original(*args, **kwargs)
        start = _clock()
        result = original(*args, **kwargs)
        seconds = _clock() - start
        frame, value = frame_at(1), args[0]
        if may_be_quick:
            site = now.quick.get((number, frame.f_lasti, id(frame.f_code)))
            if site and value.dtype is site.dtype and value.is_cpu and not declarations.exist:
                i = site.at
                site.counts[i] += 1
                site.nbytes[i] += value.nbytes
                site.seconds[i] += seconds
                return result
        counter.add(operation, read, (args, kwargs, result), seconds, frame, is_plain=may_be_quick)
        return result

    return call


@not_counted
def _move(operation: Operation, original: Callable[..., Any]) -> Callable[..., Any]:
    read, returns_moved = make_reader(operation), not operation.name.endswith("copy_")

    def call(*args: Any, **kwargs: Any) -> Any:
        counter, now = state.counter, threads.now
        if counter is None or now.is_inside:
            return original(*args, **kwargs)
        start = _clock()
        result = original(*args, **kwargs)
        # Nothing has moved.
        if result is args[0] and returns_moved:
            return result
        seconds = _clock() - start
        counter.add(operation, read, (args, kwargs, result), seconds, frame_at(1))
        return result

    return call


@not_counted
def _compute(operation: Operation, original: Callable[..., Any]) -> Callable[..., Any]:
    general = _any(operation, original)
    own = operation.world.array_type()

    def call(*args: Any, **kwargs: Any) -> Any:
        # Most operands are plain values or the library's own arrays. They need no further test.
        kind = class_of(args[1]) if len(args) > 1 else own
        if (kind is own or is_no_array(kind)) and len(args) < 3:  # noqa: PLR2004 - 3 is x[i] = y
            return original(*args, **kwargs)
        return general(*args, **kwargs)

    return call
