"""Read the files of a program into tables of names, from the cache if they are there."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sekisho.code import (
    Skipped,
    SourceFile,
    Table,
    digest,
    find_files,
    lower,
    parse_typed,
    read_file,
)
from sekisho.errors import first_line
from sekisho.inference.events import Notes
from sekisho.inference.value_types import Value

if TYPE_CHECKING:
    import ast
    from collections.abc import Iterable, Iterator, Mapping
    from pathlib import Path

    from sekisho.code import Cache, Entry
    from sekisho.inference.frame import Node

__all__ = ["Memo", "Module", "read_modules", "read_table", "units_key"]

KeptOutcome = tuple[dict[str, tuple[Value, int]], Notes, tuple[tuple[str, Value], ...], Value]
"""An `Outcome` as it is on disk."""

Memo = list[tuple[tuple[str, ...], tuple[Value | None, ...], KeptOutcome]]


class Module:
    """A file of the project. Its text is parsed only when one of its units has to be read.

    Attributes:
        key: its import name, made unique.
        content: the digest of its text.
        table: its names; once its units are known, those of definitions inside functions, too.
        memo: the readings of its units.
        kept_as: the cache's key of `memo`, if it is there as it is here.
    """

    key: str

    def __init__(
        self, file: SourceFile, content: str, table: Table, tree: ast.Module | None
    ) -> None:
        self.file = file
        self.content = content
        self.table = table
        self.tree = tree
        self.key = ""
        self.nodes: dict[str, Node] = {}
        self.memo: dict[str, Memo] = {}
        self.kept_as = ""


def read_modules(
    paths: Iterable[str | Path], cache: Cache, skipped: list[Skipped], texts: Mapping[str, bytes]
) -> Iterator[Module]:
    """Read the files below some paths; unreadable ones go into `skipped`. See `solve`."""
    for path in find_files(paths, texts):
        file = read_file(path, texts.get(str(path)))
        if isinstance(file, Skipped):
            skipped.append(file)
            continue
        skipped += file.skipped
        content = digest(file.text)
        key = _table_key(file, content)
        kept = cache.read(key)
        if kept is not None:
            yield Module(file, content, Table(*kept), None)
            continue
        try:
            tree = parse_typed(file.text)
            table = lower(tree, file.module, is_package=file.is_package)
        except (ValueError, RecursionError) as error:
            skipped.append(Skipped(file.path, first_line(error)))
            continue
        cache.write(key, tuple(table))
        yield Module(file, content, table, tree)


def _table_key(file: SourceFile, content: str) -> str:
    """Return the cache's key of the table of a file, for a digest of its text."""
    return f"table {file.module} {file.is_package} {content}"


def units_key(module: Module, content: str) -> str:
    """Return the cache's key of the units of a module, for a digest of its text."""
    return f"units {module.key} {content}"


def read_table(cache: Cache, module: Module, content: str) -> Table | None:
    """Return the table that a module had with an earlier text; None if the cache has it no more."""
    kept = cache.read(_table_key(module.file, content))
    units = cache.read(units_key(module, content))
    if kept is None or units is None:
        return None
    names: dict[str, Entry] = dict(kept[0])
    for _, entries in units[1]:
        for name, entry in entries.items():
            names.setdefault(name, entry)
    return Table(names, *kept[1:])
