"""Run a file at the start of every Python process that is started from here.

Children inherit the environment, and so do their children: a ``sitecustomize`` on the path (in
`startup`) runs the files that a variable lists.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

__all__ = ["environment_of_children"]

_VARIABLE: Final = "SEKISHO_STARTUP"
_FOLDER: Final = os.path.join(os.path.dirname(__file__), "startup")  # noqa: PTH118, PTH120 - importing stays light


def environment_of_children(file: Path, settings: Mapping[str, str]) -> dict[str, str]:
    """Return the environment variables that make each new Python process run a file first.

    Args:
        file: the file to run. It should import only the standard library, because most of the
            processes need nothing else.
        settings: the variables that the file reads.
    """
    path = os.environ.get("PYTHONPATH")
    files = [each for each in os.environ.get(_VARIABLE, "").split(os.pathsep) if each]
    return {
        **settings,
        _VARIABLE: os.pathsep.join(dict.fromkeys([*files, str(file)])),
        "PYTHONPATH": _FOLDER if not path else f"{_FOLDER}{os.pathsep}{path}",
    }
