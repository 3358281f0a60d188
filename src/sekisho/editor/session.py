"""What an editor has told, and what is known of it: read again after each change, in a thread."""

from __future__ import annotations

import asyncio
import traceback
from typing import TYPE_CHECKING, Any, Final, NamedTuple, TypeVar

from sekisho.editor.buffers import Buffers
from sekisho.editor.hints import HINTS
from sekisho.editor.project import Programs, Reading, View
from sekisho.editor.worker import Worker

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from sekisho.editor.buffers import File
    from sekisho.findings import Finding

__all__ = ["Options", "Session", "State"]

_Answer = TypeVar("_Answer")

_PAUSE: Final = 0.03
"""Seconds after a change until it is read: changes that come in a burst are read at once."""


class Options(NamedTuple):
    """The settings of the editor, under ``sekisho``.

    Attributes:
        hints: which inlay hints are shown, of `HINTS`.
        crossings: whether lines that cross get a hint.
        pushes: whether diagnostics are sent without being asked for.
    """

    hints: str = "notable"
    crossings: bool = True
    pushes: bool = True

    @classmethod
    def read(cls, found: object, before: Options) -> tuple[Options, list[str]]:
        """Return the options of a client, and what is wrong with them."""
        if not isinstance(found, dict):
            return before, []
        given: dict[str, Any] = {**found}
        if isinstance(given.get("sekisho"), dict):  # as it stands in a client's configuration
            given = {**given["sekisho"]}
        known = ("inlayHints", "crossings")
        wrong = [
            f"sekisho.{name}: there is no such setting. There are {', '.join(known)}"
            for name in given
            if name not in known
        ]
        hints = given.get("inlayHints", before.hints)
        if hints not in HINTS:
            wrong.append(f"sekisho.inlayHints: expected one of {', '.join(HINTS)}, got {hints!r}")
            hints = before.hints
        crossings = given.get("crossings", before.crossings)
        if not isinstance(crossings, bool):
            wrong.append(f"sekisho.crossings: expected true or false, got {crossings!r}")
            crossings = before.crossings
        return before._replace(hints=hints, crossings=crossings), wrong


class State(NamedTuple):
    """What one reading has told.

    Attributes:
        views: the buffers that could be read, by their URIs.
        readings: all programs.
        findings: of the files that are open, by their paths in the reading.
    """

    views: dict[str, View]
    readings: list[Reading]
    findings: dict[int, dict[str, list[Finding]]]

    def findings_of(self, view: View) -> list[Finding]:
        """Return what is found in a buffer."""
        here = self.findings[id(view.reading)][view.path]
        return [each for each in here if view.start <= each.line <= view.end]


class Session:
    """The buffers of a client, and the last state that was read of them.

    Attributes:
        buffers: what is open.
        folders: those of the workspace.
        options: the settings.
        state: what was read; None until the first reading has ended.
        on_read: called in the loop after each reading, also one that failed; with True until one succeeds.
        on_error: called with a text if a reading fails.
    """

    state: State | None

    def __init__(self, on_read: Callable[[bool], None], on_error: Callable[[str], None]) -> None:
        """Start the thread that reads."""
        self.buffers: Buffers = Buffers()
        self.folders: list[str] = []
        self.options: Options = Options()
        self.state = None
        self.on_read = on_read
        self.on_error = on_error
        self._programs = Programs()
        self._worker = Worker()
        self._changes = 0
        self._seen = 0
        self._timer: asyncio.TimerHandle | None = None
        self._is_reading = False
        self._lists_again = False
        self._waiting: list[tuple[int, asyncio.Future[None]]] = []

    def touch(self, *, files: bool = False) -> None:
        """Read again, soon.

        Args:
            files: whether files may have come or gone.
        """
        self._changes += 1
        self._lists_again |= files
        if self._timer is None and not self._is_reading:
            self._timer = asyncio.get_running_loop().call_later(_PAUSE, self._start)

    async def fresh(self) -> State | None:
        """Return the state of what is typed now, when it is read."""
        if self._seen < self._changes:
            future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            self._waiting.append((self._changes, future))
            await future
        return self.state

    def _start(self) -> None:
        self._timer = None
        self._is_reading = True
        seen = self._changes
        folders, files = tuple(self.folders), self.buffers.files()
        lists_again, self._lists_again = self._lists_again, False
        result: asyncio.Future[State] = asyncio.get_running_loop().create_future()
        result.add_done_callback(lambda done: self._end(done, seen))
        self._worker.submit(lambda: self._read(folders, files, lists_again=lists_again), result)

    def _read(self, folders: Sequence[str], files: Sequence[File], *, lists_again: bool) -> State:
        """Read, in the thread: what is slow is done here, too."""
        if lists_again:
            self._programs.list_again()
        views, readings = self._programs.read(folders, files)
        open_in: dict[int, set[str]] = {}
        for view in views.values():
            open_in.setdefault(id(view.reading), set()).add(view.path)
        findings = {
            id(reading): reading.findings(open_in.get(id(reading), ())) for reading in readings
        }
        return State(views, readings, findings)

    def _end(self, done: asyncio.Future[State], seen: int) -> None:
        self._is_reading = False
        is_first = self.state is None
        error = done.exception()
        if error is None:
            self.state = done.result()
        else:  # a mistake of ours: the last state stays
            self.on_error("".join(traceback.format_exception(error)))
        self._seen = seen
        ready = [future for wanted, future in self._waiting if wanted <= seen]
        self._waiting = [each for each in self._waiting if each[0] > seen]
        for future in ready:
            if not future.done():
                future.set_result(None)
        self.on_read(is_first)
        if is_first and error is None:  # when its findings are out
            self._worker.submit(self._programs.flush, asyncio.get_running_loop().create_future())
        if self._changes > seen:
            self._start()

    async def ask(self, call: Callable[[], _Answer]) -> _Answer:
        """Return what a call finds in a reading: in the thread that reads, since readings share what they know."""
        result: asyncio.Future[_Answer] = asyncio.get_running_loop().create_future()
        self._worker.submit(call, result)
        return await result
