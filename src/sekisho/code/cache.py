"""A cache on disk, keyed by a digest of what each entry depends on.

The digest covers all inputs, sekisho's own source included, and each entry starts with a checksum
of its content. So an entry can be missing, but never wrong. An entry that cannot be read or written
is computed again. Any number of processes may share the folder.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import marshal
import os
import re
import stat
import sys
import tempfile
import time
from functools import cache
from pathlib import Path
from typing import Any, Final

__all__ = ["Cache", "digest"]

_MOST: Final = 128_000_000
"""Maximum total size in bytes. Beyond it, the least recently used entries go, down to three
quarters."""

_LARGEST: Final = 32_000_000
"""Maximum size of an entry in bytes. The largest entries in practice have about 1 MB."""

_OFTEN: Final = 500
"""Check the total size after this many writes of a process."""

_DAY: Final = 86_400.0
_OURS: Final = re.compile(r"[0-9a-f]{32}(?:\.\w+\.new)?")
"""File names that may be removed: a variable names the folder, so it may hold other files, too."""

_SIZE: Final = 16


def digest(*parts: str | bytes) -> str:
    """Return a digest of some texts, in order."""
    state = hashlib.blake2b(digest_size=16)
    for part in parts:
        data = part.encode("utf-8", "surrogatepass") if isinstance(part, str) else part
        # with lengths, so that ("ab", "c") and ("a", "bc") differ
        state.update(len(data).to_bytes(8, "little"))
        state.update(data)
    return state.hexdigest()


@cache
def _of_program() -> str:
    """Return a digest of the source files that determine what an entry holds."""
    package = Path(__file__).parent.parent
    files = [
        *package.glob("code/*.py"),
        *package.glob("inference/*.py"),
        *package.glob("worlds/**/*.py"),
    ]
    return digest(sys.version, *(path.read_bytes() for path in sorted(files)))


def _default_folder() -> Path | None:
    """Return the platform's folder for caches, as platformdirs does; None where there is none.

    Relative paths are skipped, as the XDG specification demands: other users may have written what
    is in the current folder.
    """
    home = os.path.expanduser("~")  # noqa: PTH111 - Path.expanduser raises where there is no home
    # With HOME="" the home is the root. Do not create a missing home, as system users have it.
    if Path(home) == Path(home).parent or not Path(home).is_dir():
        home = "~"
    if sys.platform == "win32":
        base, rest = os.environ.get("LOCALAPPDATA", f"{home}/AppData/Local"), "sekisho/Cache"
    elif sys.platform == "darwin":
        base, rest = f"{home}/Library/Caches", "sekisho"
    else:
        base, rest = os.environ.get("XDG_CACHE_HOME", ""), "sekisho"
        base = base if Path(base).is_absolute() else f"{home}/.cache"
    named = Path(os.environ.get("SEKISHO_CACHE_DIR", ""))
    folder = named if named.is_absolute() else Path(base, rest)
    return folder if folder.is_absolute() and _is_own(folder) else None


def _is_own(folder: Path) -> bool:
    """Return whether no other user can have written into a folder."""
    try:
        found = folder.stat()
    except OSError:
        return True  # the folder does not exist yet, or is not readable either
    return not hasattr(os, "geteuid") or (
        found.st_uid == os.geteuid() and not found.st_mode & 0o002
    )


class Cache:
    """A folder of entries: ``$SEKISHO_CACHE_DIR`` or the user's cache folder; None keeps nothing."""

    folder: Path | None

    def __init__(self, *, keeps: bool = True) -> None:
        self.folder = _default_folder() if keeps else None
        self._writes: int = 0

    def read(self, key: str) -> Any:
        """Return the value under a key; None if there is none, or if it is damaged."""
        if self.folder is None:
            return None
        path = self.folder / self._name(key)
        try:
            data = _read(path)
            payload = data[_SIZE:]
            # Verify before unmarshalling: on damaged data marshal may ask for any amount of memory.
            if hashlib.blake2b(payload, digest_size=_SIZE).digest() != data[:_SIZE]:
                return None
            if time.time() - path.stat().st_mtime > _DAY:
                os.utime(path)  # mark the entry as used, so that others are removed first
            return marshal.loads(payload)  # noqa: S302 - we wrote this data
        except (OSError, ValueError, EOFError, TypeError):
            return None

    def write(self, key: str, value: Any) -> None:
        """Store a value of tuples, lists, dicts, strings and numbers, completely or not at all."""
        if self.folder is None:
            return
        with contextlib.suppress(OSError, ValueError):
            payload = marshal.dumps(value)
            if len(payload) > _LARGEST - _SIZE:
                return
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            # scanning the folder at each write would be slow
            if self._writes % _OFTEN == 0:
                self._prune(self.folder)
            self._writes += 1
            name = self._name(key)
            handle, new = tempfile.mkstemp(dir=self.folder, prefix=f"{name}.", suffix=".new")
            try:
                with os.fdopen(handle, "wb") as file:
                    file.write(hashlib.blake2b(payload, digest_size=_SIZE).digest())
                    file.write(payload)
                # a rename is atomic: readers see a whole entry or none
                Path(new).replace(self.folder / name)
            except BaseException:
                Path(new).unlink(missing_ok=True)
                raise

    def clear(self) -> tuple[int, int]:
        """Remove all entries; return their number and their total size in bytes."""
        found = [] if self.folder is None else _entries(self.folder)
        for _, _, path in found:
            with contextlib.suppress(OSError):
                os.unlink(path)  # noqa: PTH108 - thousands of files: os.unlink is faster
        return len(found), sum(size for _, size, _ in found)

    @staticmethod
    def _prune(folder: Path) -> None:
        found = sorted(_entries(folder))
        total = sum(size for _, size, _ in found)
        most = _MOST
        for _, size, path in found:
            if total <= most:
                return
            # prune below the limit, so that the next writes need no pruning
            most = _MOST * 3 // 4
            total -= size
            with contextlib.suppress(OSError):  # another process may have removed it
                os.unlink(path)  # noqa: PTH108 - thousands of files: os.unlink is faster

    @staticmethod
    def _name(key: str) -> str:
        return digest(_of_program(), key)


def _read(path: Path) -> bytes:
    """Return the bytes of an entry.

    Raises:
        OSError: if it cannot be read, is not a regular file, or is too large.
    """
    # Without O_NONBLOCK, opening a FIFO waits for a writer.
    flags = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
    with os.fdopen(os.open(path, flags), "rb") as file:
        found = os.fstat(file.fileno())
        if not stat.S_ISREG(found.st_mode) or found.st_size > _LARGEST:
            raise OSError(errno.EINVAL, "not an entry")
        return file.read(_LARGEST)  # the file may grow meanwhile


def _entries(folder: Path) -> list[tuple[float, int, str]]:
    """Return for each entry the time of its last use, its size in bytes, and its path."""
    found: list[tuple[float, int, str]] = []
    with contextlib.suppress(OSError), os.scandir(folder) as entries:
        for entry in entries:
            with contextlib.suppress(OSError):
                if _OURS.fullmatch(entry.name) and entry.is_file(follow_symlinks=False):
                    status = entry.stat(follow_symlinks=False)
                    found.append((status.st_mtime, status.st_size, entry.path))
    return found
