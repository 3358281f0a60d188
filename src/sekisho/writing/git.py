"""Check whether git could restore files."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

from sekisho.ground import ask_git, printable

__all__ = ["say_unrecoverable"]

_CHANGED: Final = ("status", "--porcelain", "--untracked-files=no", "--")
_UNKNOWN: Final = ("ls-files", "--others", "--")


def say_unrecoverable(path: str, *others: str) -> str | None:
    """Return why git could not restore files, or a folder, once written; None if it could.

    For files, only their own changes count. For a folder, changes in its whole repository count,
    because its files are verified by running the program.

    Args:
        path: a file or a folder.
        others: names of more files in the same folder as `path`.
    """
    if Path(path).is_dir():
        return _say(path, ask_git(path, *_CHANGED), ask_git(path, *_UNKNOWN, "*.py"))
    folder = os.path.dirname(path)
    names = [f":(literal){name}" for name in (os.path.basename(path), *others)]
    return _say(path, ask_git(folder, *_CHANGED, *names), ask_git(folder, *_UNKNOWN, *names))


def _say(path: str, changed: str | None, unknown: str | None) -> str | None:
    if changed is None or unknown is None:
        return (
            f"{printable(path)} is in no git repository, and nothing else could bring it back after --write\n"
            "  hint: git init, and commit it, or --force"
        )
    if changed or unknown:
        listed = changed + "".join(f"?? {line}\n" for line in unknown.splitlines())
        return (
            f"there are uncommitted changes, and --write would mix with them:\n{listed}"
            "  hint: commit them, or --force"
        )
    return None
