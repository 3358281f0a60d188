"""What a watched body starts is watched with it: threads, jobs of executors, tasks.

Their starters are wrapped as operations of libraries are (`hooks`), and pass everything on that is not
started by a watched body. Whoever waits for a job gets its error; nobody gets a thread's.
So a refusal that leaves a job counts as caught, until it leaves a watched body on its way on.
"""

from __future__ import annotations

import functools
import sys
from collections.abc import Coroutine
from typing import TYPE_CHECKING, Any, Final

from sekisho.context import current, scoped
from sekisho.errors import WorldError, hide_in_pytest
from sekisho.watch.state import note_caught, of_jobs, thread, unwatched
from sekisho.watch.strict import Watching

if TYPE_CHECKING:
    from collections.abc import Callable

    from sekisho.ground import Observer

__all__ = ["wrap_starters"]

__tracebackhide__ = hide_in_pytest


class _Job:
    """What a body has started: it runs under the body's watch."""

    def __init__(self) -> None:
        self._watching = Watching(thread.watch)
        self._setting = current()

    def run(self, work: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        """Run it in a thread, which does not inherit the mode."""
        with scoped(self._setting):
            return self.step(work, *args, **kwargs)

    def step(self, work: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        """Run it, or a part of it."""
        try:
            with self._watching:
                return work(*args, **kwargs)
        except WorldError as error:
            if not thread.depth:  # else the body that it runs in sees to it
                note_caught(error)
                of_jobs.add(error)
            raise


class _Task(Coroutine[Any, Any, Any]):
    """A coroutine, each of its steps under its starter's watch.

    A class and no ``async def``: that one would leave what it wraps "never awaited" if it is cancelled
    before its first step.
    """

    def __init__(self, inner: Coroutine[Any, Any, Any]) -> None:
        self._inner = inner
        self._job = _Job()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)  # cr_frame, cr_code, __qualname__: for whoever debugs

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

        def watched() -> None:
            self.__dict__.pop("run", None)
            job.run(run)

        self.run = watched
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
        with unwatched():  # the executor's own threads outlive the body
            return submit(self, job, *args, **kwargs)

    return call


def _create_task(create: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(create)
    def call(self: Any, coro: Any, **options: Any) -> Any:
        is_watched = thread.watch is not None and hasattr(coro, "send")
        return create(self, _Task(coro) if is_watched else coro, **options)

    return call


_STARTERS: Final = (
    ("threading", "Thread", "start", _start_thread),
    ("concurrent.futures.thread", "ThreadPoolExecutor", "submit", _submit),
    ("asyncio.base_events", "BaseEventLoop", "create_task", _create_task),
)


def wrap_starters(observer: Observer) -> None:
    """Have what is started from now on come under the watch of the body that starts it."""
    for module, kind, name, wrap in _STARTERS:
        holder = getattr(sys.modules.get(module), kind, None)
        if holder is not None and not observer.wraps(holder, name):  # no module is imported for it
            observer.wrap(holder, name, "starters", wrap)
