"""Replace several of a user's files together: all of them, or none."""

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
    """A file with its contents before and after."""

    path: str
    before: bytes
    after: bytes


class Transaction:
    """Replaces files in a ``with`` block and restores them at its end, unless `commit` was called.

    Whether the block ends normally, or by an exception, a signal or a failing disk, the files are
    all old or all new. A process that was killed leaves a journal (`sekisho.writing.journal`).
    Signals are delayed until the files are consistent.

    Attributes:
        left_alone: files that were not written, or not restored, with the reason.
        is_committed: whether the new files will stay.
    """

    def __init__(self, changes: Iterable[Change]) -> None:
        """Prepare the transaction.

        Args:
            changes: the files. Those whose contents do not change are skipped.
        """
        self.left_alone: dict[str, str] = {}
        self.is_committed: bool = False
        self._changes: list[Change] = [each for each in changes if each.before != each.after]
        self._entries: dict[Entry, Change] = {}
        self._journal: Journal | None = None

    def __enter__(self) -> Self:
        """Replace the files.

        Raises:
            OSError: if a file cannot be replaced; all files are unchanged.
            RestoreError: if some files could not be restored after such an error.
        """
        try:
            with deferred_signals():
                self._apply()
        except BaseException:
            self._end()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        """Restore the files, unless they are committed.

        Raises:
            RestoreError: if some files could not be restored.
        """
        self._end()

    def commit(self) -> None:
        """Keep the new files.

        Raises:
            OSError: if the journal cannot be written; the end of the block restores the files.
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
            with contextlib.suppress(OSError):  # `restore` can remove the rest
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
            except OSError as error:  # name the user's file, not the temporary one
                raise OSError(error.errno, error.strerror, change.path) from None
        for folder in folders:
            sync_folder(folder)
        for entry, change in [*self._entries.items()]:
            problem = _problem(change.path, change.before, names=2)  # again, after writing
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
    """Keep the old file under a second name; a hard link keeps its times and copies no data."""
    try:
        os.link(entry.target, entry.old)
    except (OSError, NotImplementedError):  # not every file system supports hard links
        data = read_bytes(entry.target) or b""
        create_like(entry.target, entry.old, data)
        shutil.copystat(entry.target, entry.old)


def _problem(path: str, expected: bytes, *, names: int = 1) -> str:
    """Return why a file must not be replaced; "" if it is unchanged since it was read.

    Args:
        path: the file.
        expected: the contents that were read.
        names: number of hard links that it may have.
    """
    try:
        target = os.path.realpath(path, strict=True)
        found = os.stat(target)
        if not stat.S_ISREG(found.st_mode):
            return "it is no regular file"
        if found.st_nlink > names:
            # The other links would keep the old contents.
            return f"it has {found.st_nlink} names (hard links)"
        if not found.st_mode & 0o222 or not os.access(target, os.W_OK):
            return "it is read-only"
        return "" if read_bytes(target) == expected else "it was changed meanwhile"
    except FileNotFoundError:
        return "it is gone"
    except OSError as error:
        return f"it cannot be read: {error.strerror}"
