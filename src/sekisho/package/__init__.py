"""Whole packages, and cells, guarded as they are imported.

An import hook compiles the modules of a package with decorators put in (`hook`, `inject`), as a table
says which world each part is in (`table`); in IPython each cell is such a module. Nothing of the package is
edited. What a project says of itself in pyproject.toml is read here (`project`), for the tools above too.
"""

from sekisho.package.hook import Hook
from sekisho.package.inject import is_hands_off, typed_imports
from sekisho.package.ipython import load, unload
from sekisho.package.project import read_project, read_pyproject, read_tools

__all__ = [
    "Hook",
    "is_hands_off",
    "load",
    "read_project",
    "read_pyproject",
    "read_tools",
    "typed_imports",
    "unload",
]
