"""The journal of a transaction, with which an interrupted run can be undone.

A journal is a file of two lines. The first is written before any other file is touched. For each
file of the transaction it has the paths of the new and the old version beside it, and digests of
both; the line begins with its own digest. Paths are relative to the journal's folder, so that a
project that was moved or copied is restored where it is now. The second line says that all is done.
So without a first line nothing has changed; with both lines, only old files have to be removed.
Otherwise the transaction is undone: every old file is renamed back, which works on a full disk, too.
An old file is only renamed if it still has its digest.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import itertools
import json
import os
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from sekisho.utils import printable
from sekisho.writing.atomic import read_bytes, replace_file, sync_folder, unlink
from sekisho.writing.locking import lock

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

__all__ = [
    "Entry",
    "Journal",
    "Restored",
    "RestoreError",
    "digest_of",
    "find_journal",
    "project_folder",
    "restore",
    "say_failed",
    "say_journal",
    "version_beside",
]

_NAME: Final = ".sekisho-journal"
_DONE: Final = b"done\n"
_PATHS: Final = ("target", "new", "old")
_FIRST: Final = re.compile(rb"[0-9a-f]{0,32}|[0-9a-f]{32} .*")
_OURS: Final = re.compile(r"\.sekisho-[0-9a-f]{16}-[0-9]+-[\w.]{1,100}\.(?:new|old)", re.ASCII)
_PASSED_BY: Final = frozenset({".git", "__pycache__", "node_modules", "site-packages"})
_MARKS: Final = ("pyproject.toml", "setup.py", "setup.cfg", ".git")


class RestoreError(Exception):
    """Some files could not be restored. The journal still exists."""


class Restored(NamedTuple):
    """The files of a transaction that was undone.

    Attributes:
        as_before: files that are now as they were before the transaction.
        left_alone: files that another program has changed, with the reason. Their old text is kept.
        failed: files that could not be restored, with the reason. The journal still names them.
    """

    as_before: list[str]
    left_alone: dict[str, str]
    failed: dict[str, str]


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


def version_beside(target: str, token: str, number: int) -> str:
    """Return the path, without its ending, of the new and the old version of a file.

    It has a part of the file's name, so that a person can match them if the journal is lost. The
    whole name may be as long as the file system allows.
    """
    folder, name = os.path.split(target)
    part = re.sub(r"[^\w.]", "_", name, flags=re.ASCII)[-100:]
    return os.path.join(folder, f".sekisho-{token}-{number}-{part}")


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
        if not lock(self._descriptor) or not self._is_there():
            raise FileExistsError(f"another run of sekisho has taken {printable(self.path)}")
        line = self._line(entries)
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
        if not lock(journal._descriptor):
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

    def _line(self, entries: Iterable[Entry]) -> bytes:
        """Return the first line for some files."""
        folder = os.path.dirname(self.path)
        rows = [
            entry._replace(**{name: _relative(getattr(entry, name), folder) for name in _PATHS})
            for entry in entries
        ]
        text = json.dumps({"files": [row._asdict() for row in rows]}).encode()
        return f"{digest_of(text)} ".encode() + text + b"\n"

    def read(self) -> tuple[list[Entry], bool]:
        """Return the files, none if nothing has been changed yet, and whether all is done.

        Raises:
            RestoreError: if the journal is damaged.
        """
        first, newline, rest = (read_bytes(self.path) or b"").partition(b"\n")
        digest, _, text = first.partition(b" ")
        folder = os.path.dirname(self.path)
        if newline and digest == digest_of(text).encode() and _DONE.startswith(rest):
            with contextlib.suppress(ValueError, KeyError, TypeError, RecursionError):
                document: Any = json.loads(text)
                entries = [_located(Entry(**row), folder) for row in document["files"]]
                if all(_is_ours(entry, folder) for entry in entries):
                    return entries, rest == _DONE
        kept = _kept_below(folder)
        # A run that was killed while it wrote the first line has not kept any file yet.
        if not newline and not kept and _FIRST.fullmatch(first):
            return [], False
        raise RestoreError(_say_damaged(self.path, kept))

    def undo(self, entries: Iterable[Entry]) -> Restored:
        """Restore old files. The journal stays if one of them could not be restored.

        Raises:
            RestoreError: if the journal cannot be written.
        """
        try:
            # `mark_done` has failed after writing a part of its line.
            if os.fstat(self._descriptor).st_size > self._size > 0:
                os.ftruncate(self._descriptor, self._size)
                os.fsync(self._descriptor)
        except OSError as error:
            raise RestoreError(
                f"could not write {printable(self.path)}: {error.strerror}"
            ) from None
        restored = Restored([], {}, {})
        left: list[Entry] = []
        for entry in entries:
            try:
                why = _undo(entry)
            except OSError as error:  # continue with the other files
                restored.failed[entry.target] = error.strerror or str(error)
                left.append(entry)
            else:
                if why:
                    restored.left_alone[entry.target] = why
                else:
                    restored.as_before.append(entry.target)
        if not left:
            self.remove()
        elif restored.as_before or restored.left_alone:
            with contextlib.suppress(OSError):  # the old journal is valid, too
                replace_file(self.path, self._line(left))
        return restored

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


def _relative(path: str, folder: str) -> str:
    try:
        return os.path.relpath(path, folder)
    except ValueError:  # on another Windows drive
        return path


def _located(entry: Entry, folder: str) -> Entry:
    return entry._replace(**{name: os.path.join(folder, getattr(entry, name)) for name in _PATHS})


def _is_ours(entry: Entry, folder: str) -> bool:
    """Return whether an entry's paths look like a transaction's.

    A journal that came with a repository could name any file.
    """
    beside = os.path.dirname(entry.target)
    is_inside = os.path.normpath(entry.target) == entry.target and (
        entry.target.startswith(os.path.join(folder, ""))
        or os.path.splitdrive(entry.target)[0] != os.path.splitdrive(folder)[0]
    )
    return is_inside and all(
        os.path.dirname(path) == beside and _OURS.fullmatch(os.path.basename(path)) is not None
        for path in (entry.new, entry.old)
    )


def _undo(entry: Entry) -> str:
    """Restore an old file; return why it was left alone, "" if it is as it was.

    Raises:
        OSError: if it could not be restored, or if its old version is not as it was kept.
    """
    if not os.path.lexists(os.path.dirname(entry.target)):
        return "it is gone, with its folder"
    now = digest_of(read_bytes(entry.target))
    if now == entry.before:  # not replaced yet, or restored already
        unlink(entry.old)
    elif (kept := digest_of(read_bytes(entry.old))) != entry.before:
        what = "is damaged" if kept else "is missing"
        raise OSError(errno.EIO, f"its old version, {printable(entry.old)}, {what}")
    elif now == entry.after:
        os.replace(entry.old, entry.target)
    else:
        unlink(entry.new)
        what = "it was changed meanwhile" if now else "it is gone"
        return f"{what}; its old text is in {printable(entry.old)}"
    sync_folder(os.path.dirname(entry.target))
    unlink(entry.new)
    return ""


def restore(path: Path) -> Restored:
    """Restore the files that the run of a journal has replaced.

    Raises:
        RestoreError: if the journal is damaged or cannot be written.
        BlockingIOError: if that run has not ended.
        OSError: if the journal cannot be read.
    """
    journal = Journal.open(str(path))
    try:
        entries, is_done = journal.read()
        if is_done:
            journal.clean_up(entries)
            return Restored([], {}, {})
        return journal.undo(entries)
    finally:
        journal.close()


def say_failed(path: str, restored: Restored) -> str:
    """Return a message about the files that could not be restored, with a hint."""
    failed = "; ".join(f"{printable(each)}: {why}" for each, why in restored.failed.items())
    folder = printable(os.path.dirname(path))
    return (
        f"could not put back {failed}\n"
        f"  hint: {printable(path)} is kept: python -m sekisho restore {folder} tries again; "
        "remove the journal once the files are as you want them"
    )


def _kept_below(folder: str) -> list[str]:
    """Return the old and new versions of files below a folder, whatever run has kept them."""
    names = ((each, name) for each, _, names in os.walk(folder) for name in names)
    return sorted(os.path.join(each, name) for each, name in names if _OURS.fullmatch(name))


def _say_damaged(path: str, kept: list[str]) -> str:
    named = "".join(f"\n    {printable(each)}" for each in kept)
    found = f"these versions of files are still there:{named}" if kept else "no old file is there"
    return (
        f"{printable(path)} is damaged, and nothing was changed; {found}\n"
        "  hint: put the old files back by hand (.old), and remove the journal then"
    )
