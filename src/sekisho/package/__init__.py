"""Guard whole packages, and IPython cells, without editing them.

An import hook compiles a package's modules with decorators inserted (`hook`, `inject`). A table
says which world each part is in (`table`). In IPython, each cell is treated like a module
(`ipython`). `schema` lists the settings of a project, ``[tool.sekisho]``, and `project` reads them,
for all tools.
"""

from sekisho.package.hook import Hook
from sekisho.package.inject import is_hands_off, typed_imports
from sekisho.package.ipython import load, unload
from sekisho.package.project import fill_options, read_project, read_pyproject, read_tools
from sekisho.package.schema import SCHEMA, settings
from sekisho.package.table import hint_for

__all__ = [
    "SCHEMA",
    "Hook",
    "fill_options",
    "hint_for",
    "is_hands_off",
    "load",
    "read_project",
    "read_pyproject",
    "read_tools",
    "settings",
    "typed_imports",
    "unload",
]
