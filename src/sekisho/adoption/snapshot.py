"""Detect files of a package that change during a run: then they are not the code that ran."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from sekisho.code import Skipped, find_files
from sekisho.writing import project_folder

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["Snapshot"]


class Snapshot:
    """The state of the files of a package at one time.

    Attributes:
        root: the real path of the package.
        links: files outside the package that links in it lead to: by real path, the path in the
            package.
        skipped: links that lead out of the project. Its tests do not cover other users of such a
            file.
    """

    def __init__(self, root: str) -> None:
        self.root: str = root
        self.links: dict[str, str] = {}
        self.skipped: tuple[Skipped, ...] = ()
        project = _project_of(root)
        for path, real in _links_out_of(root):
            if _is_inside(real, project):
                self.links[real] = path
            else:
                self.skipped += (Skipped(path, f"it is a link out of the project, to {real}"),)
        # size, time and inode, as git compares them: reading all files would be slow
        paths = [*map(str, Path(root).rglob("*.py"))] if Path(root).is_dir() else [root]
        self._marks: dict[str, tuple[int, ...]] = {}
        for each in (*paths, *self.links):
            real = os.path.realpath(each)
            self._marks[real] = _mark_of(real)

    @property
    def roots(self) -> tuple[str, ...]:
        """The real paths of all files and folders whose functions belong to the package."""
        return (
            self.root,
            *{_link_to(path, real, self.root): 0 for real, path in self.links.items()},
        )

    def named(self, path: str) -> str:
        """Return a file's path in the package, by which it is imported."""
        return self.links.get(path, path)

    def has_changed(self, path: str) -> bool:
        """Return whether a file was changed, replaced or added."""
        return self._marks.get(path) != _mark_of(path)


def _is_inside(path: str, folder: str) -> bool:
    return Path(path).is_relative_to(folder)


def _project_of(root: str) -> str:
    """Return the folder of the project; for a package without a project file, its parent folder."""
    folder = Path(root) if Path(root).is_dir() else Path(root).parent
    project = project_folder([str(folder / "any")])
    is_package = project == str(folder) and (folder / "__init__.py").exists()
    return str(folder.parent) if is_package else project


def _links_out_of(root: str) -> Iterator[tuple[str, str]]:
    for path in find_files([root]) if Path(root).is_dir() else ():
        real = os.path.realpath(path)
        if path.suffix != ".py" or _is_inside(real, root):
            continue
        # A link to a folder around the package does not make that folder part of the package.
        if not _is_inside(root, _link_to(str(path), real, root)):
            yield str(path), real


def _link_to(path: str, real: str, root: str) -> str:
    """Return the target of a linked parent folder, so that one root covers it; else the file."""
    for parent in reversed(Path(path).parents):
        if _is_inside(str(parent), root) and parent.is_symlink():
            target = os.path.realpath(parent)
            return target if _is_inside(real, target) else real
    return real


def _mark_of(path: str) -> tuple[int, ...]:
    try:
        found = Path(path).stat()
    except OSError:
        return ()
    return found.st_mtime_ns, found.st_size, found.st_ino
