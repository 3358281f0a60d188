"""What was found out once, kept on disk under what it was found out from.

The key of an entry is a digest of all that it depends on, this program's own text included, and a digest
stands before what it holds: an entry can be missing, and never be wrong. What cannot be read or written is
found out again. Any number of processes may share the folder.
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
"""Bytes of all entries. Beyond, those that were not used for longest go, down to three quarters."""

_LARGEST: Final = 32_000_000
"""Bytes of an entry that is still read or written. The largest in practice have about 1 MB."""

_OFTEN: Final = 500
"""Writes of a process after which it looks at the size again."""

_DAY: Final = 86_400.0
_OURS: Final = re.compile(r"[0-9a-f]{32}(?:\.\w+\.new)?")
"""What may be removed: the folder is named by a variable, and may hold somebody's files."""

_SIZE: Final = 16


def digest(*parts: str | bytes) -> str:
    """A digest of some texts, in order."""
    state = hashlib.blake2b(digest_size=16)
    for part in parts:
        data = part.encode("utf-8", "surrogatepass") if isinstance(part, str) else part
        state.update(len(data).to_bytes(8, "little"))
        state.update(data)
    return state.hexdigest()


@cache
def _of_program() -> str:
    """A digest of the program that writes and reads entries."""
    package = Path(__file__).parent.parent
    files = [
        *package.glob("code/*.py"),
        *package.glob("inference/*.py"),
        *package.glob("worlds/**/*.py"),
    ]
    return digest(sys.version, *(path.read_bytes() for path in sorted(files)))


def _default_folder() -> Path | None:
    """Where the platform keeps caches, as platformdirs says; None where there is no such place.

    A relative path is passed over, as the XDG specification asks: what lies in the folder that one
    happens to stand in, anybody may have written.
    """
    home = os.path.expanduser("~")  # noqa: PTH111 - which gives "~" where there is no home
    # The root for HOME="". A home that does not exist, as system users have it, is not created.
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
    """Whether nobody else can have written what lies in a folder."""
    try:
        found = folder.stat()
    except OSError:
        return True  # it is not there yet, or cannot be read either
    return not hasattr(os, "geteuid") or (
        found.st_uid == os.geteuid() and not found.st_mode & 0o002
    )


class Cache:
    """A folder of entries: ``$SEKISHO_CACHE_DIR``, or the user's own for caches; None keeps nothing."""

    folder: Path | None

    def __init__(self, *, keeps: bool = True) -> None:
        self.folder = _default_folder() if keeps else None
        self._writes: int = 0

    def read(self, key: str) -> Any:
        """What is kept under a key; None if nothing is, or it is damaged."""
        if self.folder is None:
            return None
        path = self.folder / self._name(key)
        try:
            data = _read(path)
            payload = data[_SIZE:]
            # Before marshal reads it: of damaged data it may want any amount of memory.
            if hashlib.blake2b(payload, digest_size=_SIZE).digest() != data[:_SIZE]:
                return None
            if time.time() - path.stat().st_mtime > _DAY:
                os.utime(path)  # it is used: others go first
            return marshal.loads(payload)  # noqa: S302 - our own
        except (OSError, ValueError, EOFError, TypeError):
            return None

    def write(self, key: str, value: Any) -> None:
        """Keep a value of tuples, lists, dicts, strings and numbers: whole, or not at all."""
        if self.folder is None:
            return
        with contextlib.suppress(OSError, ValueError):
            payload = marshal.dumps(value)
            if len(payload) > _LARGEST - _SIZE:
                return
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            if self._writes % _OFTEN == 0:
                self._prune(self.folder)
            self._writes += 1
            name = self._name(key)
            handle, new = tempfile.mkstemp(dir=self.folder, prefix=f"{name}.", suffix=".new")
            try:
                with os.fdopen(handle, "wb") as file:
                    file.write(hashlib.blake2b(payload, digest_size=_SIZE).digest())
                    file.write(payload)
                Path(new).replace(self.folder / name)
            except BaseException:
                Path(new).unlink(missing_ok=True)
                raise

    def clear(self) -> tuple[int, int]:
        """Remove all entries; gives how many there were, and their bytes."""
        found = [] if self.folder is None else _entries(self.folder)
        for _, _, path in found:
            with contextlib.suppress(OSError):
                os.unlink(path)  # noqa: PTH108 - there are thousands
        return len(found), sum(size for _, size, _ in found)

    @staticmethod
    def _prune(folder: Path) -> None:
        found = sorted(_entries(folder))
        total = sum(size for _, size, _ in found)
        most = _MOST
        for _, size, path in found:
            if total <= most:
                return
            most = _MOST * 3 // 4
            total -= size
            with contextlib.suppress(OSError):  # another process has removed it
                os.unlink(path)  # noqa: PTH108 - as above

    @staticmethod
    def _name(key: str) -> str:
        return digest(_of_program(), key)


def _read(path: Path) -> bytes:
    """The bytes of an entry.

    Raises:
        OSError: if it cannot be read, is not a regular file, or is too large.
    """
    # Without O_NONBLOCK, opening a FIFO waits for a writer.
    flags = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
    with os.fdopen(os.open(path, flags), "rb") as file:
        found = os.fstat(file.fileno())
        if not stat.S_ISREG(found.st_mode) or found.st_size > _LARGEST:
            raise OSError(errno.EINVAL, "not an entry")
        return file.read(_LARGEST)  # it may grow meanwhile


def _entries(folder: Path) -> list[tuple[float, int, str]]:
    """When each entry was used last, its bytes, and its path."""
    found: list[tuple[float, int, str]] = []
    with contextlib.suppress(OSError), os.scandir(folder) as entries:
        for entry in entries:
            with contextlib.suppress(OSError):
                if _OURS.fullmatch(entry.name) and entry.is_file(follow_symlinks=False):
                    status = entry.stat(follow_symlinks=False)
                    found.append((status.st_mtime, status.st_size, entry.path))
    return found
