"""Whole packages, and cells, guarded as they are imported.

An import hook compiles the modules of a package with decorators put in (`hook`, `inject`), as a table
says which world each part is in (`table`); in IPython each cell is such a module. Nothing of the package is
edited.
"""

from sekisho.package.hook import Hook, read_pyproject
from sekisho.package.inject import is_hands_off
from sekisho.package.ipython import load, unload

__all__ = ["Hook", "is_hands_off", "load", "read_pyproject", "unload"]
