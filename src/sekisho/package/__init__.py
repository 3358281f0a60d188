"""Whole packages, and cells, guarded as they are imported.

An import hook compiles the modules of a package with decorators put in (`hook`, `inject`), as a table
says which world each part is in (`table`); in IPython each cell is such a module. Nothing of the package is
edited. The settings of a project, ``[tool.sekisho]``, are listed
(`schema`) and read (`project`) here for all tools.
"""

from sekisho.package.hook import Hook
from sekisho.package.inject import is_hands_off, typed_imports
from sekisho.package.ipython import load, unload
from sekisho.package.project import fill_options, read_project, read_pyproject, read_tools
from sekisho.package.schema import SCHEMA, settings

__all__ = [
    "SCHEMA",
    "Hook",
    "fill_options",
    "is_hands_off",
    "load",
    "read_project",
    "read_pyproject",
    "read_tools",
    "settings",
    "typed_imports",
    "unload",
]
