"""Having every Python process that is started from here run something first.

A child inherits the environment, and so does its child: a ``sitecustomize`` on the path (`startup`)
runs the files that a variable names.
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
    """What the environment must hold for a file to run at the start of each Python process.

    Args:
        file: of the standard library alone, for most processes have no use for another one.
        settings: the variables that it reads.
    """
    path = os.environ.get("PYTHONPATH")
    files = [each for each in os.environ.get(_VARIABLE, "").split(os.pathsep) if each]
    return {
        **settings,
        _VARIABLE: os.pathsep.join(dict.fromkeys([*files, str(file)])),
        "PYTHONPATH": _FOLDER if not path else f"{_FOLDER}{os.pathsep}{path}",
    }
