"""The files of a package before a run: what is edited while it runs is not what has run."""

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
    """What told the files of a package apart from others, when it was taken.

    Attributes:
        root: the real path of the package.
        links: files outside the package to which links in it lead, by real path: each with its path
            in the package.
        skipped: links that lead out of the project. Its tests do not cover what else uses such a file.
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
        """A file's path in the package, by which it is imported."""
        return self.links.get(path, path)

    def has_changed(self, path: str) -> bool:
        """Whether a file is another one than it was, or was not there."""
        return self._marks.get(path) != _mark_of(path)


def _is_inside(path: str, folder: str) -> bool:
    return Path(path).is_relative_to(folder)


def _project_of(root: str) -> str:
    """The folder of the project. Around a package without a project file, it is the next one."""
    folder = Path(root) if Path(root).is_dir() else Path(root).parent
    project = project_folder([str(folder / "any")])
    is_package = project == str(folder) and (folder / "__init__.py").exists()
    return str(folder.parent) if is_package else project


def _links_out_of(root: str) -> Iterator[tuple[str, str]]:
    for path in find_files([root]) if Path(root).is_dir() else ():
        real = os.path.realpath(path)
        if path.suffix != ".py" or _is_inside(real, root):
            continue
        # A link to a folder around the package does not make that folder a part of it.
        if not _is_inside(root, _link_to(str(path), real, root)):
            yield str(path), real


def _link_to(path: str, real: str, root: str) -> str:
    """The target of a linked folder above a file, so that a large folder has one root; else the file."""
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
