"""One file, replaced at one moment: a reader sees the old one or the new one, and a full disk changes nothing."""

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
    """Write a file of the tool's own, a report or a baseline: all of it, or nothing.

    A symbolic link stays, and its target is replaced; mode and owner stay. What is no regular file,
    such as ``/dev/stdout``, is written into.

    Raises:
        OSError: if it cannot be written; the old file is as it was.
    """
    target = os.path.realpath(path)
    try:
        if os.path.lexists(target) and not stat.S_ISREG(os.stat(target).st_mode):
            with open(target, "wb") as file:
                file.write(data)
        else:
            _replace(target, data)
    except OSError as error:  # of the file that was asked for, not of the one beside it
        raise OSError(error.errno, error.strerror, os.fspath(path)) from None


def _replace(target: str, data: bytes) -> None:
    # No name of the target's in it: that may be as long as the file system allows.
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
    """Write a new file that has mode, owner and extended attributes of another, if that exists.

    Raises:
        OSError: if it cannot be written whole, or not with the same owner.
    """
    is_new = not os.path.lexists(target)
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)
    # Until it has the mode of the other, nobody else may read it.
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
    os.utime(new)  # import compares times: it is a new file


def read_bytes(path: str) -> bytes | None:
    """Read a file; None if there is none."""
    try:
        with open(path, "rb") as file:
            return file.read()
    except FileNotFoundError:
        return None


def unlink(path: str) -> None:
    """Remove a file, if there is one."""
    with contextlib.suppress(FileNotFoundError):
        os.unlink(path)


def sync_folder(folder: str) -> None:
    """Have the names in a folder on the disk, where the system can."""
    if os.name == "nt":  # a folder cannot be opened there
        return
    try:
        descriptor = os.open(folder, os.O_RDONLY)
    except FileNotFoundError:  # somebody has removed it, with all that was in it
        return
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
