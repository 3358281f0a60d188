"""Replace a file atomically: readers see the old or the new one, even if the disk is full."""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
import stat
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["create_like", "read_bytes", "replace_file", "sync_folder", "unlink"]


def replace_file(path: str | Path, data: bytes) -> None:
    """Write one of the tool's own files, such as a report or a baseline, completely or not at all.

    A symbolic link is kept and its target replaced; mode and owner stay the same. If the path is
    not a regular file, such as ``/dev/stdout``, the data is written to it directly.

    Raises:
        OSError: if the file cannot be written; the old file is unchanged.
    """
    target = os.path.realpath(path)
    try:
        if os.path.lexists(target) and not stat.S_ISREG(os.stat(target).st_mode):
            with open(target, "wb") as file:
                file.write(data)
        else:
            _replace(target, data)
    except OSError as error:  # name the requested file, not the temporary one
        raise OSError(error.errno, error.strerror, os.fspath(path)) from None


def _replace(target: str, data: bytes) -> None:
    # Do not include the target's name, which may be as long as the file system allows.
    new = os.path.join(os.path.dirname(target), f".sekisho-{secrets.token_hex(8)}.new")
    try:
        create_like(target, new, data)
        os.replace(new, target)
    except BaseException:
        with contextlib.suppress(OSError):
            unlink(new)
        raise
    sync_folder(os.path.dirname(target))


def create_like(target: str, new: str, data: bytes) -> None:
    """Write a new file with the mode, owner and extended attributes of another, if that exists.

    Raises:
        OSError: if it cannot be written completely, or not with the same owner.
    """
    is_new = not os.path.lexists(target)
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)
    # Until it has the other's mode, no other user may read it.
    descriptor = os.open(new, flags, 0o666 if is_new else 0o600)
    try:
        rest = memoryview(data)
        while rest:
            rest = rest[os.write(descriptor, rest) :]
        if not is_new:
            _copy_owner(target, new)
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _copy_owner(target: str, new: str) -> None:
    old, made = os.stat(target), os.stat(new)
    if hasattr(os, "chown") and (old.st_uid, old.st_gid) != (made.st_uid, made.st_gid):
        os.chown(new, old.st_uid, old.st_gid)
    shutil.copystat(target, new)  # after chown, which clears bits of the mode
    os.utime(new)  # not the old file's time: imports compare times to notice changes


def read_bytes(path: str) -> bytes | None:
    """Return a file's contents; None if it does not exist."""
    try:
        with open(path, "rb") as file:
            return file.read()
    except FileNotFoundError:
        return None


def unlink(path: str) -> None:
    """Remove a file if it exists."""
    with contextlib.suppress(FileNotFoundError):
        os.unlink(path)


def sync_folder(folder: str) -> None:
    """Flush a folder's names to the disk, if the system supports it."""
    if os.name == "nt":  # Windows cannot open folders
        return
    try:
        descriptor = os.open(folder, os.O_RDONLY)
    except FileNotFoundError:  # another process has removed it with its contents
        return
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
