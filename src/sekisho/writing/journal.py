"""The journal of a transaction, with which an interrupted run can be undone.

A journal is a file of two lines. The first is written before any other file is touched. For each
file of the transaction it has the paths of the new and the old version beside it, and digests of
both. The second line says that all is done. So without a first line nothing has changed; with both
lines, only old files have to be removed. Otherwise the transaction is undone: every old file is
renamed back, which works on a full disk, too.
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
    """Some files could not be restored. The journal still exists."""


class Entry(NamedTuple):
    """A file of a transaction.

    Attributes:
        target: the file.
        new: path of the prepared new version, in the same folder.
        old: path of the kept old version, in the same folder.
        before: digest of the old version.
        after: digest of the new version.
    """

    target: str
    new: str
    old: str
    before: str
    after: str


def digest_of(data: bytes | None) -> str:
    """Return a digest of a file's contents; "" for a file that does not exist."""
    return "" if data is None else hashlib.blake2b(data, digest_size=16).hexdigest()


def project_folder(files: Sequence[str]) -> str:
    """Return the project folder of some files, or their common folder if no marker file is found.

    Args:
        files: real paths, at least one.
    """
    folders = [os.path.dirname(file) for file in files]
    try:
        nearest = Path(os.path.commonpath(folders))
    except ValueError:  # files on several Windows drives
        nearest = Path(folders[0])
    parents = (nearest, *nearest.parents)
    return str(next((p for p in parents if any((p / m).exists() for m in _MARKS)), nearest))


def find_journal(paths: Iterable[str | Path]) -> Path | None:
    """Return the journal of an interrupted run in, above or below some paths, or None."""
    found = [Path(os.path.realpath(path)) for path in paths]
    above = [folder for path in found for folder in (path, *path.parents)]
    # Also below, because that run may have had more specific paths than this one.
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
    """Return a message about a journal that was found, with a hint."""
    return (
        f"a run that was interrupted has left {printable(str(path))}\n"
        f"  hint: python -m sekisho restore {printable(str(path.parent))} puts the files back as they were"
    )


class Journal:
    """A journal that this process has locked, until it is closed or the process ends."""

    def __init__(self, path: str, descriptor: int) -> None:
        self.path: str = path
        self._descriptor: int = descriptor
        self._size: int = 0

    @classmethod
    def create(cls, folder: str, entries: Sequence[Entry]) -> Journal:
        """Create a journal and write it to the disk.

        Raises:
            FileExistsError: if one exists, because another run is active or was interrupted.
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
        # Another process may have taken the new, still empty journal for an old one and removed it.
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
            BlockingIOError: if the run has not ended.
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
        """Record that all files are replaced and confirmed, so that nothing will be undone."""
        self._append(_DONE)

    def read(self) -> tuple[list[Entry], bool]:
        """Return the files, and whether all is done. No files if nothing has been changed yet."""
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
        """Restore old files; return the restored ones, and the others with the reason.

        Raises:
            RestoreError: if some files could not be restored. The journal stays.
        """
        try:
            if (
                os.fstat(self._descriptor).st_size > self._size > 0
            ):  # `mark_done` has failed after writing a part of its line
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
            except OSError as error:  # continue with the other files
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
        """Remove the old files of a completed transaction, and the journal."""
        for entry in entries:
            unlink(entry.old)
            unlink(entry.new)
        self.remove()

    def remove(self) -> None:
        """Remove the journal, as the last step of a transaction."""
        unlink(self.path)
        sync_folder(os.path.dirname(self.path))

    def close(self) -> None:
        """Close the journal, which unlocks it."""
        with contextlib.suppress(OSError):
            os.close(self._descriptor)


def _is_ours(entry: Entry) -> bool:
    """Return whether an entry's paths look like a transaction's.

    A journal that came with a repository could name any file.
    """
    beside = os.path.dirname(entry.target)
    return all(
        os.path.dirname(path) == beside and _OURS.fullmatch(os.path.basename(path)) is not None
        for path in (entry.new, entry.old)
    )


def _undo(entry: Entry) -> bool:
    """Restore an old file; return False if another program has written the file since."""
    now = digest_of(read_bytes(entry.target))
    is_old = now == entry.before  # not replaced yet, or restored already
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
    """Restore the files that the run of a journal has replaced.

    Returns:
        The files that are now as before that run, and the others with the reason.

    Raises:
        RestoreError: if some files could not be restored, or the file is not a journal.
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
    """Lock a file while it is open. The kernel also releases the lock of a killed process."""
    try:
        import fcntl  # noqa: PLC0415 - does not exist on Windows
    except ImportError:
        return _lock_on_windows(descriptor)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _lock_on_windows(descriptor: int) -> bool:
    import msvcrt  # noqa: PLC0415 - only exists on Windows

    calls: Any = msvcrt
    with contextlib.suppress(OSError):
        # Lock far behind the end, because other processes cannot read a locked range.
        os.lseek(descriptor, 1 << 30, os.SEEK_SET)
        calls.locking(descriptor, calls.LK_NBLCK, 1)
        os.lseek(descriptor, 0, os.SEEK_END)
        return True
    return False
