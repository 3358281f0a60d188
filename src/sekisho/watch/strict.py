"""What strict mode refuses inside of a body.

A *watch* stands over the body of a guarded function while it runs. Each world that is loaded shows it the
operations of its library in this thread, as far as the library lets itself be watched. What is no
crossing passes, and what a guard does at its own boundary passes too: it has asked there.
"""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, cast

from sekisho.errors import SekishoError, WorldError, hide_in_pytest
from sekisho.watch.hooks import begin_body, end_body
from sekisho.watch.judging import to_the_line
from sekisho.watch.state import (
    BodyState,
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
    """Holds a watch over what runs in the ``with`` block. It may be entered again: see `guard.watched`."""

    __slots__ = ("_body", "_outer", "_pushed", "_start", "_watch")

    def __init__(self, watch: Watch | None) -> None:
        self._watch = watch
        self._body = BodyState(watch)

    def __enter__(self) -> None:
        self._start = len(thread.refused)
        self._outer = thread.swap(self._body)
        thread.depth += 1
        self._pushed = self._watch is not None and thread.shown is None and self._show()

    @staticmethod
    def _show() -> bool:
        """Have the libraries that are there show their operations in this thread."""
        thread.shown = begin_body()
        return True

    def __exit__(self, kind: object, error: BaseException | None, traceback: object) -> None:
        if self._pushed:
            watchers, thread.shown = thread.shown, None
            end_body(watchers or [])
        # Where the body has come to: it may be suspended within `crossing_allowed`.
        self._body = thread.swap(self._outer)
        thread.depth -= 1
        if len(thread.refused) > self._start:
            _settle(self._start, error)
        if error is not None and of_jobs:
            _hand_on(error)
        if isinstance(error, RefusalError):
            shown = to_the_line(error.__traceback__)
            raise note_refusal(WorldError(*error.args)).with_traceback(shown) from None


def _settle(start: int, error: BaseException | None) -> None:
    """Of what was refused in a body, keep what leaves it; the rest was caught inside."""
    leaving = {id(each) for each in _chain(error)}
    for refused in thread.refused[start:]:
        if id(refused) not in leaving:
            note_caught(refused)
            thread.refused.remove(refused)
    if thread.depth == 0:
        thread.refused.clear()


def _hand_on(error: BaseException) -> None:
    """What left a job leaves the body that has waited for it, too: nobody there went on."""
    for each in _chain(error):
        if each in of_jobs:
            of_jobs.discard(each)
            with contextlib.suppress(ValueError):  # a test has looked, and emptied the list
                caught.remove(str(each))
            note_refusal(cast("SekishoError", each))  # for the body around this one


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    """An error and all that led to it."""
    seen: set[int] = set()
    open_: list[BaseException | None] = [error]
    while open_:
        each = open_.pop()
        if each is not None and id(each) not in seen:
            seen.add(id(each))
            yield each
            open_ += [each.__cause__, each.__context__, *getattr(each, "exceptions", ())]
