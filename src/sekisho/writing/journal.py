"""The journal of a transaction: what an interrupted run has replaced, and where the old files are.

A file of two lines. The first is written before anything else is touched and names, for each file of the
transaction, the new file and the old one beside it, and digests of both. The second says that all is
done. So a journal without a first line has changed nothing, one with both only has old files to remove,
and any other is undone: every old file goes back by a rename, which a full disk does not hinder.
"""

from __future__ import annotations

import contextlib
import hashlib
import itertools
import json
import os
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from sekisho.ground import printable
from sekisho.writing.atomic import read_bytes, sync_folder, unlink

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

__all__ = [
    "Entry",
    "Journal",
    "RestoreError",
    "digest_of",
    "find_journal",
    "project_folder",
    "restore",
    "say_journal",
]

_NAME: Final = ".sekisho-journal"
_DONE: Final = b"done\n"
_OURS: Final = re.compile(r"\.sekisho-[0-9a-f]{16}-[0-9]+\.(?:new|old)")
_PASSED_BY: Final = frozenset({".git", "__pycache__", "node_modules", "site-packages"})
_MARKS: Final = ("pyproject.toml", "setup.py", "setup.cfg", ".git")


class RestoreError(Exception):
    """Files that could not be put back; the journal is still there."""


class Entry(NamedTuple):
    """A file of a transaction.

    Attributes:
        target: the file.
        new: where the new one is prepared, beside it.
        old: where the old one is kept, beside it.
        before: digest of the old one.
        after: digest of the new one.
    """

    target: str
    new: str
    old: str
    before: str
    after: str


def digest_of(data: bytes | None) -> str:
    """A digest of a file; "" of one that is gone."""
    return "" if data is None else hashlib.blake2b(data, digest_size=16).hexdigest()


def project_folder(files: Sequence[str]) -> str:
    """The folder of the project that files lie in; the nearest folder, if nothing marks a project.

    Args:
        files: at least one, by their real paths.
    """
    folders = [os.path.dirname(file) for file in files]
    try:
        nearest = Path(os.path.commonpath(folders))
    except ValueError:  # on Windows, files of several drives
        nearest = Path(folders[0])
    parents = (nearest, *nearest.parents)
    return str(next((p for p in parents if any((p / m).exists() for m in _MARKS)), nearest))


def find_journal(paths: Iterable[str | Path]) -> Path | None:
    """The journal that an interrupted run has left in the folders of some paths, above or below."""
    found = [Path(os.path.realpath(path)) for path in paths]
    above = [folder for path in found for folder in (path, *path.parents)]
    # Below, where that run was given other paths than this one.
    for folder in itertools.chain(above, _below(found)):
        if (folder / _NAME).is_file():
            return folder / _NAME
    return None


def _below(folders: Iterable[Path]) -> Iterator[Path]:
    for top in folders:
        for folder, names, _ in os.walk(top):
            names[:] = [name for name in names if name not in _PASSED_BY]
            yield Path(folder)


def say_journal(path: Path) -> str:
    """What to do about a journal that was found."""
    return (
        f"a run that was interrupted has left {printable(str(path))}\n"
        f"  hint: python -m sekisho restore {printable(str(path.parent))} puts the files back as they were"
    )


class Journal:
    """A journal that this process holds: nobody else can, until it is closed or the process has ended."""

    def __init__(self, path: str, descriptor: int) -> None:
        self.path: str = path
        self._descriptor: int = descriptor
        self._size: int = 0

    @classmethod
    def create(cls, folder: str, entries: Sequence[Entry]) -> Journal:
        """Begin a journal, and have it on the disk.

        Raises:
            FileExistsError: if there is one: another run is at work, or one was interrupted.
            OSError: if it cannot be written.
        """
        path = os.path.join(folder, _NAME)
        flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)
        try:
            journal = cls(path, os.open(path, flags, 0o600))
        except FileExistsError:
            raise FileExistsError(
                f"another run of sekisho writes files: {printable(path)}"
            ) from None
        try:
            journal._begin(entries)
        except BaseException:
            journal.close()
            raise
        return journal

    def _begin(self, entries: Iterable[Entry]) -> None:
        # Whoever looks at a new journal may have taken it for an old one, and removed it.
        if not _lock(self._descriptor) or not self._is_there():
            raise FileExistsError(f"another run of sekisho has taken {printable(self.path)}")
        line = json.dumps({"files": [entry._asdict() for entry in entries]}).encode() + b"\n"
        self._size = len(line)
        try:
            self._append(line)
            sync_folder(os.path.dirname(self.path))
        except BaseException:
            with contextlib.suppress(OSError):
                unlink(self.path)
            raise

    @classmethod
    def open(cls, path: str) -> Journal:
        """Open the journal of a run that has ended.

        Raises:
            BlockingIOError: if the run has not.
        """
        journal = cls(path, os.open(path, os.O_RDWR | getattr(os, "O_BINARY", 0)))
        if not _lock(journal._descriptor):
            os.close(journal._descriptor)
            raise BlockingIOError(f"another run of sekisho writes files: {printable(path)}")
        return journal

    def _is_there(self) -> bool:
        try:
            return os.path.samestat(os.stat(self.path), os.fstat(self._descriptor))
        except OSError:
            return False

    def _append(self, data: bytes) -> None:
        rest = memoryview(data)
        while rest:
            rest = rest[os.write(self._descriptor, rest) :]
        os.fsync(self._descriptor)

    def mark_done(self) -> None:
        """Note that all files are replaced and confirmed: from now on nothing is undone."""
        self._append(_DONE)

    def read(self) -> tuple[list[Entry], bool]:
        """The files, and whether all is done. No files if the run has come no further."""
        first, newline, rest = (read_bytes(self.path) or b"").partition(b"\n")
        if not newline:
            return [], False
        try:
            document: Any = json.loads(first)
            entries = [Entry(**row) for row in document["files"]]
            if all(map(_is_ours, entries)):
                return entries, rest == _DONE
        except (ValueError, KeyError, TypeError, RecursionError):
            pass
        raise RestoreError(f"{printable(self.path)} is no journal of sekisho's")

    def undo(self, entries: Iterable[Entry]) -> tuple[list[str], dict[str, str]]:
        """Put old files back; give those that are as they were, and why others are left alone.

        Raises:
            RestoreError: if some could not be put back. The journal stays.
        """
        try:
            if (
                os.fstat(self._descriptor).st_size > self._size > 0
            ):  # `mark_done` has failed in the middle
                os.ftruncate(self._descriptor, self._size)
                os.fsync(self._descriptor)
        except OSError as error:
            raise RestoreError(
                f"could not write {printable(self.path)}: {error.strerror}"
            ) from None
        restored: list[str] = []
        left_alone: dict[str, str] = {}
        failed: list[str] = []
        for entry in entries:
            try:
                if _undo(entry):
                    restored.append(entry.target)
                else:
                    left_alone[entry.target] = "it was changed meanwhile"
            except OSError as error:  # the other files are put back all the same
                failed.append(f"{printable(entry.target)}: {error.strerror}")
        if failed:
            raise RestoreError(
                f"could not put back {'; '.join(failed)}\n"
                f"  hint: {printable(self.path)} is kept: "
                f"python -m sekisho restore {printable(os.path.dirname(self.path))}"
            )
        self.remove()
        return restored, left_alone

    def clean_up(self, entries: Iterable[Entry]) -> None:
        """Remove the old files of a transaction that is done, and the journal."""
        for entry in entries:
            unlink(entry.old)
            unlink(entry.new)
        self.remove()

    def remove(self) -> None:
        """Remove the journal: the last thing that a transaction does."""
        unlink(self.path)
        sync_folder(os.path.dirname(self.path))

    def close(self) -> None:
        """Let go of it."""
        with contextlib.suppress(OSError):
            os.close(self._descriptor)


def _is_ours(entry: Entry) -> bool:
    """Whether an entry names what a transaction makes: a journal that came with a repository may name any file."""
    beside = os.path.dirname(entry.target)
    return all(
        os.path.dirname(path) == beside and _OURS.fullmatch(os.path.basename(path)) is not None
        for path in (entry.new, entry.old)
    )


def _undo(entry: Entry) -> bool:
    """Put an old file back; False if somebody has written another one since."""
    now = digest_of(read_bytes(entry.target))
    is_old = now == entry.before  # it was not replaced yet, or was put back
    if os.path.lexists(entry.old):
        if now == entry.after:
            os.replace(entry.old, entry.target)
            is_old = True
        else:
            unlink(entry.old)
        sync_folder(os.path.dirname(entry.target))
    unlink(entry.new)
    return is_old


def restore(path: Path) -> tuple[list[str], dict[str, str]]:
    """Put back what the run that has left a journal has replaced.

    Returns:
        The files that are as they were before that run, and why others are left alone.

    Raises:
        RestoreError: if some could not be put back, or it is no journal.
        BlockingIOError: if that run has not ended.
        OSError: if the journal cannot be read.
    """
    journal = Journal.open(str(path))
    try:
        entries, is_done = journal.read()
        if is_done:
            journal.clean_up(entries)
            return [], {}
        return journal.undo(entries)
    finally:
        journal.close()


def _lock(descriptor: int) -> bool:
    """Lock a file for as long as it is open; the kernel unlocks that of a process that was killed."""
    try:
        import fcntl  # noqa: PLC0415 - not on Windows
    except ImportError:
        return _lock_on_windows(descriptor)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _lock_on_windows(descriptor: int) -> bool:
    import msvcrt  # noqa: PLC0415 - only there

    calls: Any = msvcrt
    with contextlib.suppress(OSError):
        # Far behind the end: a locked range can be read by nobody else.
        os.lseek(descriptor, 1 << 30, os.SEEK_SET)
        calls.locking(descriptor, calls.LK_NBLCK, 1)
        os.lseek(descriptor, 0, os.SEEK_END)
        return True
    return False
