"""Record a process, and make its children record themselves.

Children find the folder of ledgers and the options in the environment. A forked child inherits the
recorder itself; any other Python process starts it because of its environment (`utils.children`).
"""

from __future__ import annotations

import atexit
import contextlib
import json
import os
import shutil
import sys
import tempfile
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from sekisho.context import everywhere, own_packages
from sekisho.log import CrossingLog
from sekisho.recorder.arrival import Arrivals
from sekisho.recorder.calls import state
from sekisho.recorder.counting import Counter, threads
from sekisho.recorder.ledger import Ledger
from sekisho.recorder.reading import MARK, mark_unrecorded, read_folder
from sekisho.recorder.wrapping import unwrap_all, wrap_world
from sekisho.utils import environment_of_children
from sekisho.worlds import loaded_worlds, world_named, world_names

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["Recording", "begin_as_told", "environment_for"]

VARIABLE: Final = "SEKISHO_RECORDING"
_BEGIN: Final = Path(__file__).parent / "begin.py"
_libraries: Final[dict[str, str]] = {}
_GUARDS: Final = "sekisho.guard"
"""With guards alone there is something to count, too: the values that contracts refuse."""


def environment_for(
    folder: Path, keep: int, own: tuple[str, ...] = (), *, broadcasting: bool = False
) -> dict[str, str]:
    """Prepare a folder; return the environment that makes a Python process record itself there.

    Args:
        folder: where each process writes its ledger.
        keep: how many crossings each process writes one by one.
        own: installed packages whose lines are the user's own, too.
        broadcasting: whether to record operations that expand both operands.
    """
    (folder / MARK).write_bytes(b"\0")
    return environment_of_children(_BEGIN, _told(folder, keep, own, broadcasting=broadcasting))


def _told(folder: Path, keep: int, own: tuple[str, ...], *, broadcasting: bool) -> dict[str, str]:
    names = ",".join([*(name for name in world_names() if world_named(name).operations), _GUARDS])
    # The names come first and outside of the JSON, so that begin.py need not import json.
    told = json.dumps(
        {"folder": str(folder), "keep": keep, "own": own, "broadcasting": broadcasting}
    )
    return {VARIABLE: f"{names}{os.pathsep}{told}"}


def begin_as_told() -> None:
    """Record this process with the options of the environment."""
    told = json.loads(os.environ[VARIABLE].partition(os.pathsep)[2])
    own_packages.update(told["own"])
    _begin(Path(told["folder"]), told["keep"], broadcasting=told["broadcasting"])


class _Running:
    """The recorder of this process.

    Attributes:
        folder: where it writes; None if nothing is recorded.
        keep: how many crossings each process writes one by one.
        broadcasting: whether operations that expand both operands are recorded.
        waiting: the import hook for libraries that are imported later.
        number: number of the current counter: a forked child starts another one.
    """

    folder: Path | None = None
    keep: int = 0
    broadcasting: bool = False
    waiting: Arrivals | None = None
    number: int = 0


_running: Final = _Running()
_lock: Final = threading.RLock()


def _begin(folder: Path, keep: int, *, broadcasting: bool) -> None:
    _running.folder, _running.keep, _running.broadcasting = folder, keep, broadcasting
    _start_counter()
    for world in loaded_worlds():
        _watch(world.name)
    loaded = {world.name for world in loaded_worlds()}
    _running.waiting = Arrivals([n for n in world_names() if n not in loaded], _watch)
    _running.waiting.install()


def _start_counter() -> None:
    folder = _running.folder
    before = state.counter  # the parent's, if this process was forked
    ledger = None if folder is None else Ledger.open(folder, _describe)
    if folder is not None and ledger is None:
        if before is not None:
            before.ledger.note_unrecorded()
        else:
            mark_unrecorded(folder)
    _running.number += 1
    everywhere.clear()
    state.counter = None
    if ledger is not None:
        state.counter = Counter(ledger, _running.keep, _running.number)
        everywhere.append(state.counter)
        _note_end_of(_running.number)


def _describe() -> dict[str, Any]:
    """Describe this process: a library's name for its worker, or the standard library's."""
    for world in loaded_worlds():
        name = world.worker_name()
        if name:
            return {"name": name, "libraries": list(_libraries.values())}
    process = sys.modules.get("multiprocessing.process")
    name = process.current_process().name if process is not None else "MainProcess"
    if name == "MainProcess":
        name = f"{Path(sys.argv[0] or 'python').name} (process {os.getpid()})" if sys.argv else ""
    return {"name": name, "libraries": list(_libraries.values())}


def _watch(name: str) -> None:
    """Wrap a library that has been imported."""
    world = world_named(name)
    if not world.operations or world.array_type() is None:
        return
    wrap_world(world, broadcasting=_running.broadcasting)
    version = str(getattr(world.module(), "__version__", ""))
    _libraries[name] = f"{world.label} {version}".strip()
    if state.counter is not None:
        state.counter.ledger.note(libraries=list(_libraries.values()))


def _end(number: int) -> None:
    """Write that the process has ended by itself."""
    counter = state.counter
    if counter is not None and counter.number == number:
        counter.ledger.end()


def _note_end_of(number: int) -> None:
    atexit.register(_end, number)
    util: Any = sys.modules.get("multiprocessing.util")
    process: Any = sys.modules.get("multiprocessing.process")
    if util is None or process is None:
        return

    # A worker of multiprocessing runs its finalizers and ends with os._exit, without atexit. It
    # forgets finalizers registered before the fork, so they are registered again after it.
    def finalize(_counter: object = None) -> None:
        util.Finalize(None, _end, args=(number,), exitpriority=-1000)

    finalize()
    util.register_after_fork(state.counter, finalize)


def _after_fork() -> None:
    if _running.folder is not None:
        # The fork may have happened inside an operation. The child needs its own ledger, because it
        # shares the mapped rows with its parent.
        threads.now.is_inside = False
        _start_counter()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)


class Recording:
    """A recording of this process and its children, from `start` until `stop`.

    Recordings may overlap: they share the ledgers, and each returns what was added since its start.
    """

    _open: Final[set[int]] = set()
    _folder: Path | None = None
    _before: Mapping[str, str | None] = {}

    def __init__(self, keep: int, *, broadcasting: bool = False) -> None:
        self._keep = keep
        self._broadcasting = broadcasting
        self._base = CrossingLog()

    def start(self) -> None:
        """Start recording."""
        with _lock:
            if _running.folder is None:
                folder = Path(tempfile.mkdtemp(prefix="sekisho-"))
                Recording._folder = folder
                told = environment_for(folder, self._keep, broadcasting=self._broadcasting)
                Recording._before = {name: os.environ.get(name) for name in told}
                os.environ.update(told)
                _begin(folder, self._keep, broadcasting=self._broadcasting)
            elif self._broadcasting and not _running.broadcasting:
                # An open recording has not asked for them: wrap them now, in later children too.
                _running.broadcasting = True
                own = tuple(own_packages)
                os.environ.update(_told(_running.folder, _running.keep, own, broadcasting=True))
                for world in loaded_worlds():
                    _watch(world.name)
            Recording._open.add(id(self))
            self._base = self._read()

    def _read(self) -> CrossingLog:
        folder = _running.folder
        if folder is None:
            return CrossingLog()
        # The process that created the folder sees everything, a recorded child its own descendants.
        root = None if Recording._folder == folder else os.getpid()
        return read_folder(folder, self._keep, root=root)

    def log(self) -> CrossingLog:
        """Return what was added since `start`."""
        log = self._read().since(self._base)
        return log if self._broadcasting else log.without_broadcasts()

    def stop(self) -> None:
        """Stop recording; the last open recording restores the process."""
        with _lock:
            Recording._open.discard(id(self))
            if Recording._open or Recording._folder is None:
                return
            folder, Recording._folder = Recording._folder, None
            for name, value in Recording._before.items():
                if value is None:
                    os.environ.pop(name, None)
                else:
                    os.environ[name] = value
            _stop()
            shutil.rmtree(folder, ignore_errors=True)


def _stop() -> None:
    everywhere.clear()
    counter, state.counter = state.counter, None
    if _running.waiting is not None:
        _running.waiting.remove()
    unwrap_all()
    _running.folder = _running.waiting = None
    if counter is not None:
        with contextlib.suppress(OSError):
            counter.ledger.close()
