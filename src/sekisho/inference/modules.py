"""Read the files of a program into tables of names, from the cache if they are there."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

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
from sekisho.inference.values import Value

if TYPE_CHECKING:
    import ast
    from collections.abc import Iterable, Iterator, Mapping
    from pathlib import Path

    from sekisho.code import Cache

__all__ = ["Memo", "Module", "read_modules"]

Memo = list[tuple[tuple[str, ...], tuple[Value | None, ...], tuple[Any, ...]]]


class Module:
    """A file of the project. Its text is parsed only when one of its units has to be read."""

    key: str

    def __init__(self, file: SourceFile, table: Table, tree: ast.Module | None) -> None:
        self.file = file
        self.table = table
        self.tree = tree
        self.key = ""
        self.nodes: dict[str, Any] = {}
        self.memo: dict[str, Memo] = {}
        self.is_changed = False


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
        key = f"table {file.module} {file.is_package} {digest(file.text)}"
        kept = cache.read(key)
        if kept is not None:
            yield Module(file, Table(*kept), None)
            continue
        try:
            tree = parse_typed(file.text)
            table = lower(tree, file.module, is_package=file.is_package)
        except (ValueError, RecursionError) as error:
            skipped.append(Skipped(file.path, first_line(error)))
            continue
        cache.write(key, tuple(table))
        yield Module(file, table, tree)
