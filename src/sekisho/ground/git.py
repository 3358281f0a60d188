"""What git says of a folder."""

from __future__ import annotations

import subprocess

__all__ = ["ask_git"]


def ask_git(folder: str, *words: str) -> str | None:
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
