"""The files of a package before a run: what is edited while it runs is not what has run."""

from __future__ import annotations

import os
from pathlib import Path

__all__ = ["Snapshot"]


class Snapshot:
    """What told the files of a package apart from others, when it was taken."""

    def __init__(self, root: str) -> None:
        paths = Path(root).rglob("*.py") if Path(root).is_dir() else [Path(root)]
        self._marks: dict[str, tuple[int, ...]] = {}
        for path in paths:
            real = os.path.realpath(path)
            self._marks[real] = _mark_of(real)

    def has_changed(self, path: str) -> bool:
        """Whether a file is another one than it was, or was not there."""
        return self._marks.get(path) != _mark_of(path)


def _mark_of(path: str) -> tuple[int, ...]:
    try:
        found = Path(path).stat()
    except OSError:
        return ()
    return found.st_mtime_ns, found.st_size, found.st_ino
