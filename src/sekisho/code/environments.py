"""Find where the libraries of a project are installed: here, or in the project's own environment.

A command installed by pipx, or in a job of linters, runs in an environment without the project's
libraries. What is not installed beside sekisho is looked for in the virtual environment that is
active, and in a ``.venv`` of the project.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

__all__ = ["find_environments", "library_path"]

_ACTIVE: Final = ("VIRTUAL_ENV", "CONDA_PREFIX")
_BESIDE: Final = (".venv", "venv")
_PACKAGES: Final = ("lib/python3*/site-packages", "Lib/site-packages")
"""Where an environment has its packages; the second one on Windows."""


def find_environments(paths: Iterable[str | Path]) -> list[Path]:
    """Return the environments of a project beside the one that runs this, in order of precedence.

    Args:
        paths: files and folders of the project; the first one decides.
    """
    ours = os.path.realpath(sys.prefix)
    found: dict[str, Path] = {}
    for each in _candidates(Path(next(iter(paths), ".")).absolute()):
        real = os.path.realpath(each)
        if real != ours and _packages(each):
            found.setdefault(real, each)
    return [*found.values()]


def library_path(environments: Iterable[Path]) -> list[str]:
    """Return the folders to look for libraries in: those of this Python, then of environments."""
    return [*sys.path, *(str(folder) for each in environments for folder in _packages(each))]


def _candidates(place: Path) -> Iterator[Path]:
    for name in _ACTIVE:
        if os.environ.get(name):
            yield Path(os.environ[name])
    for folder in (place, *place.parents):
        beside = [folder / name for name in _BESIDE if (folder / name / "pyvenv.cfg").is_file()]
        if beside:  # the nearest one is the project's
            yield from beside
            return


def _packages(environment: Path) -> list[Path]:
    return [each for pattern in _PACKAGES for each in sorted(environment.glob(pattern))]
