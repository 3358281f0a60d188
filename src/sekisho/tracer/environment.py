"""Make every process of a program trace itself."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

from sekisho.tracer.journal import MARK
from sekisho.utils import environment_of_children
from sekisho.worlds import world_named, world_names

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["environment_for"]


def environment_for(folder: Path, roots: Iterable[str]) -> dict[str, str]:
    """Prepare a folder; return the environment that makes a Python process trace itself there.

    Args:
        folder: the common folder of the program's processes.
        roots: real paths of files and folders whose functions to trace.
    """
    (folder / MARK).write_bytes(b"\0")
    compilers = [world_named(name).supplement.compiler for name in world_names()]
    told = json.dumps(
        {"folder": str(folder), "roots": [*roots], "compilers": [*filter(None, compilers)]}
    )
    return environment_of_children(Path(__file__).parent / "begin.py", {"SEKISHO_TRACING": told})
