"""Monitor the threads, tasks and jobs of executors that a monitored body starts.

The functions that start them are wrapped like a library's operations (see `hooks`), and do nothing
new unless a monitored body calls them. The error of a job reaches the code that waits for it, but
the error of a thread reaches no code. So a refusal that leaves a job counts as caught until it also
leaves a monitored body.
"""

from __future__ import annotations

import functools
import sys
from collections.abc import Coroutine
from typing import TYPE_CHECKING, Any, Final

from sekisho.context import current, scoped
from sekisho.errors import BroadcastError, WorldError, hide_in_pytest
from sekisho.monitor.state import note_caught, of_jobs, thread, unwatched
from sekisho.monitor.strict import Watching

if TYPE_CHECKING:
    from collections.abc import Callable

    from sekisho.utils import Observer

__all__ = ["wrap_starters"]

__tracebackhide__ = hide_in_pytest


class _Job:
    """Work that a body has started; it runs under the body's monitor."""

    def __init__(self) -> None:
        self._watching = Watching(thread.watch)
        self._setting = current()

    def run(self, work: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        """Run the work in another thread, which does not inherit the mode."""
        with scoped(self._setting):
            return self.step(work, *args, **kwargs)

    def step(self, work: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        """Run the work, or one step of it."""
        try:
            with self._watching:
                return work(*args, **kwargs)
        except (WorldError, BroadcastError) as error:
            if not thread.depth:  # else the surrounding body handles the refusal
                note_caught(error)
                of_jobs.add(error)
            raise


class _Task(Coroutine[Any, Any, Any]):
    """A coroutine whose steps run under the monitor of the body that started it.

    This is a class because an ``async def`` would leave the inner coroutine "never awaited" if the
    task is cancelled before its first step.
    """

    def __init__(self, inner: Coroutine[Any, Any, Any]) -> None:
        self._inner = inner
        self._job = _Job()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)  # cr_frame, cr_code, __qualname__: for debuggers

    def __await__(self) -> Any:
        raise TypeError("a task is awaited, not what it runs")

    def send(self, value: Any) -> Any:
        return self._job.step(self._inner.send, value)

    def throw(self, *error: Any) -> Any:
        return self._job.step(self._inner.throw, *error)

    def close(self) -> None:
        self._job.step(self._inner.close)


def _start_thread(start: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(start)
    def call(self: Any) -> Any:
        if thread.watch is None:
            return start(self)
        job, run = _Job(), self.run

        def run_monitored() -> None:
            # Remove the override first: the thread's own code may look at its `run`.
            self.__dict__.pop("run", None)
            job.run(run)

        self.run = run_monitored
        try:
            return start(self)
        except BaseException:
            self.__dict__.pop("run", None)
            raise

    return call


def _submit(submit: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(submit)
    def call(self: Any, work: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Any:
        if thread.watch is None:
            return submit(self, work, *args, **kwargs)
        job = functools.partial(_Job().run, work)
        with unwatched():  # the executor may start its own threads, which outlive the body
            return submit(self, job, *args, **kwargs)

    return call


def _create_task(create: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(create)
    def call(self: Any, coro: Any, **options: Any) -> Any:
        is_monitored = thread.watch is not None and hasattr(coro, "send")
        return create(self, _Task(coro) if is_monitored else coro, **options)

    return call


_STARTERS: Final = (
    ("threading", "Thread", "start", _start_thread),
    ("concurrent.futures.thread", "ThreadPoolExecutor", "submit", _submit),
    ("asyncio.base_events", "BaseEventLoop", "create_task", _create_task),
)


def wrap_starters(observer: Observer) -> None:
    """Wrap the functions that start work, so that it runs under its body's monitor."""
    for module, kind, name, wrap in _STARTERS:
        holder = getattr(sys.modules.get(module), kind, None)
        if holder is not None and not observer.wraps(holder, name):  # skip modules not imported
            observer.wrap(holder, name, "starters", wrap)
