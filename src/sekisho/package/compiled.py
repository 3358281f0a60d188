"""A module as it is compiled with its decorators put in, kept beside its source for the next time.

The file is called as Python calls its own, with a tag of ours, so that nobody else reads it. It
begins with a digest of all that it depends on, this package's own text included. Of the source that is
the time and the size, as in Python's own files.
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
    """What the hook knows of a module before it is executed.

    Attributes:
        code: its code, decorators put in.
        names: the dotted names of all that it defines.
        typed: what it imports for its type checker only: see `typed_imports`.
    """

    code: CodeType
    names: list[str]
    typed: dict[str, tuple[str, str | None]]


def compile_module(source: bytes, path: str, name: str, package: str, table: Table) -> Compiled:
    """Read a module's source, and compile it with its decorators put in."""
    tree = ast.parse(source, path)
    typed = typed_imports(tree, package)
    names = [name, *inject(tree, name, table)]
    import_decorators(tree)
    return Compiled(compile(tree, path, "exec", dont_inherit=True), names, typed)


def path_of(source_path: str) -> str | None:
    """Where a module is kept; None if this Python keeps no bytecode."""
    try:
        return importlib.util.cache_from_source(source_path, optimization="sekisho")
    except NotImplementedError:
        return None


def key_of(stats: Mapping[str, float], *parts: str, table: Table) -> bytes:
    """A digest of all that decides about how a module is compiled.

    Args:
        stats: when its source was written, and its size, by which Python knows its own bytecode.
        parts: its names.
        table: the worlds of its parts.
    """
    state = hashlib.blake2b(_own_text(), digest_size=_KEY_LENGTH)
    state.update(repr((dict(stats), parts, table.rows, sys.flags.optimize)).encode())
    return state.digest()


def written(compiled: Compiled, key: bytes) -> bytes:
    """What is kept of a module."""
    return key + marshal.dumps(tuple(compiled))


def read(data: bytes, key: bytes) -> Compiled | None:
    """What was kept under a key; None if it was another one, or nothing that can be read."""
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
    for name in ("compiled.py", "inject.py", "table.py"):
        state.update(Path(__file__).with_name(name).read_bytes())
    return state.digest()
