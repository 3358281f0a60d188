"""What git could bring back."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

from sekisho.ground import printable

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["say_unrecoverable"]


def say_unrecoverable(path: str) -> str | None:
    """Say why git could not bring back what is written into a file, or below a folder; None if it could.

    Changes to other files of the repository count if it is a folder, since its files are confirmed by running
    the program; of one file, only its own do.
    """
    folder, name = os.path.split(path)
    tracked: Sequence[str] = [f":(literal){name}"]
    untracked = tracked
    if Path(path).is_dir():
        folder, tracked, untracked = path, (), ("*.py",)
    changed = _git(folder, "status", "--porcelain", "--untracked-files=no", "--", *tracked)
    unknown = _git(folder, "ls-files", "--others", "--", *untracked)
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


def _git(folder: str, *words: str) -> str | None:
    """What git says in a folder; None where there is no git, or no repository."""
    try:
        done = subprocess.run(  # noqa: S603 - git, as it is
            ["git", "-C", folder or ".", *words],  # noqa: S607 - likewise
            capture_output=True,
            encoding="utf-8",
            errors="backslashreplace",
            check=False,
        )
    except OSError:
        return None
    return None if done.returncode else done.stdout
