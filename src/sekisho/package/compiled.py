"""Compile a module with its decorators inserted, and cache the bytecode beside Python's own.

The file has Python's usual name with a tag of its own, so that only sekisho reads it. It starts
with a digest of everything that the result depends on, including this package's source. The
module's source is represented by its modification time and size, as in Python's own bytecode files.
"""

from __future__ import annotations

import ast
import hashlib
import importlib.util
import marshal
import sys
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from sekisho.package.inject import import_decorators, inject, typed_imports

if TYPE_CHECKING:
    from collections.abc import Mapping
    from types import CodeType

    from sekisho.package.table import Table

__all__ = ["Compiled", "compile_module", "key_of", "path_of", "read", "written"]


class Compiled(NamedTuple):
    """A compiled module, before it is executed.

    Attributes:
        code: its code, with decorators inserted.
        names: dotted names of everything that it defines.
        typed: its imports for type checkers; see `typed_imports`.
    """

    code: CodeType
    names: list[str]
    typed: dict[str, tuple[str, str | None]]


def compile_module(source: bytes, path: str, name: str, package: str, table: Table) -> Compiled:
    """Compile a module's source with its decorators inserted."""
    tree = ast.parse(source, path)
    typed = typed_imports(tree, package)
    names = [name, *inject(tree, name, table)]
    import_decorators(tree)
    return Compiled(compile(tree, path, "exec", dont_inherit=True), names, typed)


def path_of(source_path: str) -> str | None:
    """Return the path of the cached bytecode; None if this Python does not cache bytecode."""
    try:
        return importlib.util.cache_from_source(source_path, optimization="sekisho")
    except NotImplementedError:
        return None


def key_of(stats: Mapping[str, float], *parts: str, table: Table) -> bytes:
    """Return a digest of everything that affects how a module is compiled.

    Args:
        stats: modification time and size of its source, as Python uses for its own bytecode.
        parts: its path and names.
        table: the worlds of its parts.
    """
    state = hashlib.blake2b(_own_text(), digest_size=_KEY_LENGTH)
    state.update(repr((dict(stats), parts, table.rows, sys.flags.optimize)).encode())
    return state.digest()


def written(compiled: Compiled, key: bytes) -> bytes:
    """Return the bytes of a cache file."""
    return key + marshal.dumps(tuple(compiled))


def read(data: bytes, key: bytes) -> Compiled | None:
    """Return the cached module; None if the key differs or the data cannot be read."""
    if data[:_KEY_LENGTH] != key:
        return None
    try:
        return Compiled(*marshal.loads(data[_KEY_LENGTH:]))  # noqa: S302 - written by this module
    except (EOFError, ValueError, TypeError):
        return None


_KEY_LENGTH = 32


@cache
def _own_text() -> bytes:
    state = hashlib.blake2b(importlib.util.MAGIC_NUMBER)
    here = Path(__file__).parent
    for name in ("compiled.py", "inject.py", "table.py", "../utils/annotated.py"):
        state.update((here / name).read_bytes())
    return state.digest()
