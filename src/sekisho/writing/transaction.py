"""Several files of somebody else's, replaced together: all of them, or none."""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
import stat
from typing import TYPE_CHECKING, NamedTuple, Self

from sekisho.writing.atomic import create_like, read_bytes, sync_folder, unlink
from sekisho.writing.journal import Entry, Journal, digest_of, project_folder
from sekisho.writing.signals import deferred_signals

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["Change", "Transaction"]


class Change(NamedTuple):
    """A file, as it was read, and as it is to be."""

    path: str
    before: bytes
    after: bytes


class Transaction:
    """Files that are replaced in a ``with`` block, and put back at its end unless `commit` was called.

    Whatever ends the block, an exception, a signal or a failing disk, the files are all old or all new;
    a process that was killed leaves a journal (`sekisho.writing.journal`). Signals wait until the files
    are in order.

    Attributes:
        left_alone: files that were not written, or not put back, and why.
        is_committed: whether the new files are there to stay.
    """

    def __init__(self, changes: Iterable[Change]) -> None:
        """Prepare.

        Args:
            changes: the files; those that change nothing are passed over.
        """
        self.left_alone: dict[str, str] = {}
        self.is_committed: bool = False
        self._changes: list[Change] = [each for each in changes if each.before != each.after]
        self._entries: dict[Entry, Change] = {}
        self._journal: Journal | None = None

    def __enter__(self) -> Self:
        """Replace the files.

        Raises:
            OSError: if one of them cannot be; all are as they were.
            RestoreError: if some could not be put back then.
        """
        try:
            with deferred_signals():
                self._apply()
        except BaseException:
            self._end()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        """Put the files back, unless they are committed.

        Raises:
            RestoreError: if some could not be.
        """
        self._end()

    def commit(self) -> None:
        """Keep the new files.

        Raises:
            OSError: if that cannot be noted; the end of the block puts the files back.
        """
        if self._journal is None:
            self.is_committed = True
            return
        with deferred_signals():
            self._journal.mark_done()
            self.is_committed = True
            for change in self._entries.values():
                if _problem(change.path, change.after):
                    self.left_alone[change.path] = "it was changed meanwhile"
            with contextlib.suppress(OSError):  # what is left, `restore` removes
                self._journal.clean_up(self._entries)

    def _apply(self) -> None:
        token = secrets.token_hex(8)
        for change in self._changes:
            problem = _problem(change.path, change.before)
            if problem:
                self.left_alone[change.path] = problem
                continue
            target = os.path.realpath(change.path)
            start = os.path.join(os.path.dirname(target), f".sekisho-{token}-{len(self._entries)}")
            digests = digest_of(change.before), digest_of(change.after)
            self._entries[Entry(target, f"{start}.new", f"{start}.old", *digests)] = change
        if not self._entries:
            return
        folder = project_folder([entry.target for entry in self._entries])
        self._journal = Journal.create(folder, [*self._entries])
        folders = {os.path.dirname(entry.target) for entry in self._entries}
        for entry, change in self._entries.items():
            try:
                create_like(entry.target, entry.new, change.after)
                _keep(entry)
            except OSError as error:  # of the author's file, not of one beside it
                raise OSError(error.errno, error.strerror, change.path) from None
        for folder in folders:
            sync_folder(folder)
        for entry, change in [*self._entries.items()]:
            problem = _problem(change.path, change.before, names=2)  # writing took its time
            if problem:
                self.left_alone[change.path] = problem
                unlink(entry.new)
                unlink(entry.old)
                del self._entries[entry]
            else:
                os.replace(entry.new, entry.target)
        for folder in folders:
            sync_folder(folder)

    def _end(self) -> None:
        journal, self._journal = self._journal, None
        if journal is None:
            return
        try:
            if not self.is_committed:
                with deferred_signals():
                    _, left_alone = journal.undo(self._entries)
                    paths = {entry.target: change.path for entry, change in self._entries.items()}
                    self.left_alone |= {paths[each]: why for each, why in left_alone.items()}
        finally:
            journal.close()


def _keep(entry: Entry) -> None:
    """Keep the old file under a second name: itself, with its times and all, and no byte is copied."""
    try:
        os.link(entry.target, entry.old)
    except (OSError, NotImplementedError):  # not every file system has links
        data = read_bytes(entry.target) or b""
        create_like(entry.target, entry.old, data)
        shutil.copystat(entry.target, entry.old)


def _problem(path: str, expected: bytes, *, names: int = 1) -> str:
    """Why a file is not to be replaced; "" if it is as it was read.

    Args:
        path: the file.
        expected: what was read.
        names: links that it may have.
    """
    try:
        target = os.path.realpath(path, strict=True)
        found = os.stat(target)
        if not stat.S_ISREG(found.st_mode):
            return "it is no regular file"
        if found.st_nlink > names:
            # The other names would keep the old text.
            return f"it has {found.st_nlink} names (hard links)"
        if not found.st_mode & 0o222 or not os.access(target, os.W_OK):
            return "it is read-only"
        return "" if read_bytes(target) == expected else "it was changed meanwhile"
    except FileNotFoundError:
        return "it is gone"
    except OSError as error:
        return f"it cannot be read: {error.strerror}"
