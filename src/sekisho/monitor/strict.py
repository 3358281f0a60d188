"""Run the body of a guarded function under strict mode's monitor.

While the body runs, each loaded world reports its library's operations in this thread, as far as
the library has hooks for them. Operations that do not cross are allowed. So is everything that a
guard does at its own boundary, which it has validated already.
"""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, cast

from sekisho.context import current
from sekisho.errors import BroadcastError, SekishoError, WorldError, hide_in_pytest
from sekisho.monitor.hooks import begin_body, end_body
from sekisho.monitor.judging import to_the_line
from sekisho.monitor.state import (
    BodyState,
    BroadcastRefusalError,
    RefusalError,
    Watch,
    caught,
    note_caught,
    note_refusal,
    of_jobs,
    thread,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["Watching"]

__tracebackhide__ = hide_in_pytest


class Watching:
    """Monitors the code in its ``with`` block. It can be entered again: see `guard.watched`."""

    __slots__ = ("_body", "_outer", "_pushed", "_start", "_watch")

    def __init__(self, watch: Watch | None) -> None:
        # Read once per body: reading the mode at each operation would cost more than judging it.
        if watch is not None and current().broadcasting != "allow":
            watch = watch._replace(broadcasting=True)
        self._watch = watch
        self._body = BodyState(watch)

    def __enter__(self) -> None:
        self._start = len(thread.refused)
        self._outer = thread.swap(self._body)
        thread.depth += 1
        self._pushed = self._watch is not None and thread.shown is None and self._show()

    @staticmethod
    def _show() -> bool:
        """Start reporting the loaded libraries' operations in this thread."""
        thread.shown = begin_body()
        return True

    def __exit__(self, kind: object, error: BaseException | None, traceback: object) -> None:
        if self._pushed:
            watchers, thread.shown = thread.shown, None
            end_body(watchers or [])
        # Keep the body's present state: it may be suspended inside `crossing_allowed`.
        self._body = thread.swap(self._outer)
        thread.depth -= 1
        if len(thread.refused) > self._start:
            _settle(self._start, error)
        if error is not None and of_jobs:
            _hand_on(error)
        if isinstance(error, RefusalError):
            shown = to_the_line(error.__traceback__)
            leaves_as = BroadcastError if isinstance(error, BroadcastRefusalError) else WorldError
            raise note_refusal(leaves_as(*error.args)).with_traceback(shown) from None


def _settle(start: int, error: BaseException | None) -> None:
    """Keep the refusals that leave a body with its error; all others were caught inside."""
    leaving = {id(each) for each in _chain(error)}
    for refused in thread.refused[start:]:
        if id(refused) not in leaving:
            note_caught(refused)
            thread.refused.remove(refused)
    if thread.depth == 0:
        thread.refused.clear()


def _hand_on(error: BaseException) -> None:
    """Record again a job's refusal that leaves the body that waited for it: it was not caught."""
    for each in _chain(error):
        if each in of_jobs:
            of_jobs.discard(each)
            with contextlib.suppress(ValueError):  # a test has cleared the list already
                caught.remove(str(each))
            note_refusal(cast("SekishoError", each))  # for the surrounding body


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    """Yield an error and all errors that led to it."""
    seen: set[int] = set()
    open_: list[BaseException | None] = [error]
    while open_:
        each = open_.pop()
        if each is not None and id(each) not in seen:
            seen.add(id(each))
            yield each
            open_ += [each.__cause__, each.__context__, *getattr(each, "exceptions", ())]
