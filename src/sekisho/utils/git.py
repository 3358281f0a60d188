"""What git says of a folder."""

from __future__ import annotations

import subprocess

__all__ = ["ask_git"]


def ask_git(folder: str, *words: str) -> str | None:
    """Return git's output in a folder; None if there is no git, or no repository."""
    try:
        done = subprocess.run(  # noqa: S603 - no shell, and fixed options
            ["git", "-C", folder or ".", *words],  # noqa: S607 - git from the user's PATH
            capture_output=True,
            encoding="utf-8",
            errors="backslashreplace",
            check=False,
        )
    except OSError:
        return None
    return None if done.returncode else done.stdout
