"""What git says of a folder."""

from __future__ import annotations

import os
import subprocess
from typing import Final

__all__ = ["ask_git"]

_OF_HOOKS: Final = {"GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_PREFIX"}


def ask_git(folder: str, *words: str) -> str | None:
    """Return git's output in a folder; None if there is no git, or no repository."""
    try:
        done = subprocess.run(  # noqa: S603 - no shell, and fixed options
            ["git", "-C", folder or ".", *words],  # noqa: S607 - git from the user's PATH
            capture_output=True,
            encoding="utf-8",
            errors="backslashreplace",
            check=False,
            # In a hook, git names the repository that the hook is of.
            env={name: value for name, value in os.environ.items() if name not in _OF_HOOKS},
        )
    except OSError:
        return None
    return None if done.returncode else done.stdout
