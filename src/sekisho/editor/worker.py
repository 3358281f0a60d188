"""One thread that reads, so that the loop of the protocol answers meanwhile."""

from __future__ import annotations

import queue
import threading
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable

__all__ = ["Worker"]

_STACK: Final = 64 * 2**20
"""Bytes: code that is nested deeply is parsed by recursion, and macOS gives threads 0.5 MB."""


class Worker:
    """A thread that runs one call after the other. It does not keep the process alive."""

    def __init__(self) -> None:
        """Start the thread; it sleeps until there is something to do."""
        self._calls: queue.SimpleQueue[tuple[Callable[[], Any], asyncio.Future[Any]]] = (
            queue.SimpleQueue()
        )
        before = threading.stack_size(_STACK)
        threading.Thread(target=self._run, name="sekisho-reading", daemon=True).start()
        threading.stack_size(before)

    def submit(self, call: Callable[[], Any], result: asyncio.Future[Any]) -> None:
        """Run a call in the thread, and set what it returns or raises in the loop of a future."""
        self._calls.put((call, result))

    def _run(self) -> None:
        while True:
            call, result = self._calls.get()
            loop = result.get_loop()
            try:
                value = call()
            except BaseException as error:  # noqa: BLE001 - the one that waits gets it
                set_result, what = result.set_exception, error
            else:
                set_result, what = result.set_result, value
            try:
                loop.call_soon_threadsafe(_settle, result, set_result, what)
            except RuntimeError:  # the loop is closed: the client has gone
                return


def _settle(result: asyncio.Future[Any], set_result: Callable[[Any], None], what: Any) -> None:
    if not result.done():
        set_result(what)
