"""The installed libraries, as tables: found where Python would find them, and never imported.

A stub is read where there is one (``torch/_C/__init__.pyi``, ``numpy/__init__.pyi``), else the source.
What is only machine code has no table.
"""

from __future__ import annotations

import os
import sys
from functools import lru_cache
from os.path import isdir, isfile  # pathlib took a fifth of the time of an editor's reading
from pathlib import Path
from typing import TYPE_CHECKING, Final

from sekisho.code.cache import Cache, digest
from sekisho.code.files import Skipped, read_file
from sekisho.code.tables import Table, lower
from sekisho.utils import parse

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["Libraries"]

_NO_TABLE: Final = Table({}, [], None)


@lru_cache(maxsize=10_000)
def _digest(path: str, _changed: int, _size: int) -> str:
    """Return the digest of a file; an editor's server asks again at each edit."""
    return digest(Path(path).read_bytes())


class Libraries:
    """Tables of installed modules, by name, as they are when they are asked for first.

    Attributes:
        used: of each module that was asked for, the digest of its file; "folder" of one that is only
            that; "" if it is not installed.
    """

    used: dict[str, str]

    def __init__(self, cache: Cache, path: Iterable[str] | None = None) -> None:
        self._cache = cache
        entries = sys.path if path is None else path
        self._path = [entry for entry in entries if entry and Path(entry).is_dir()]
        self._tables: dict[str, Table | None] = {}
        self._folders: dict[str, list[str]] = {}
        self._states: dict[str, str] = {}
        self.used = {}

    def table(self, module: str) -> Table | None:
        """The table of a module; an empty one for a folder; None if it is not installed."""
        if module not in self._tables:
            self._tables[module] = self._read(module)
        return self._tables[module]

    def handed_on(self, module: str, name: str) -> tuple[str, str] | None:
        """The module and the name in it, if a module has a name of another package: `jaxtyping.Array`."""
        table = self.table(module)
        entry = table.names.get(name) if table is not None else None
        if entry is None or entry[0] != "import" or entry[2] is None:
            return None
        package = module.partition(".")[0]
        return None if entry[1].partition(".")[0] == package else (entry[1], entry[2])

    def still(self, used: dict[str, str]) -> bool:
        """Whether modules are as they were when `used` was noted."""
        return all(self._state_of(module) == known for module, known in used.items())

    def _state_of(self, module: str) -> str:
        if module not in self._states:
            path, _ = self._find(module)
            folder = "folder" if self._folders[module] else ""
            self._states[module] = self._digest_of(path) if path else folder
        return self._states[module]

    def _read(self, module: str) -> Table | None:
        path, is_package = self._find(module)
        known = self.used[module] = self._state_of(module)
        if not path:
            return _NO_TABLE if known else None
        key = f"table {module} {is_package} {known}"
        kept = self._cache.read(key)
        if kept is not None:
            return Table(*kept)
        file = read_file(Path(path))
        if isinstance(file, Skipped):
            return None
        try:
            table = lower(parse(file.text), module, is_package=is_package)
        except ValueError:
            return None
        if digest(file.data) == known:  # else it was replaced between the two readings
            self._cache.write(key, tuple(table))
        return table

    @staticmethod
    def _digest_of(path: str) -> str:
        try:
            found = os.stat(path)
            return _digest(path, found.st_mtime_ns, found.st_size)
        except OSError:
            return ""

    def _find(self, module: str) -> tuple[str, bool]:
        """The file of a module, and whether it is a package's; "" if there is none to read."""
        parent, _, last = module.rpartition(".")
        if not parent:
            folders = self._path
        else:
            if parent not in self._folders:
                self._find(parent)
            folders = self._folders[parent]
        self._folders[module] = []
        for folder in folders:
            base = f"{folder}/{last}"
            stubs = f"{folder}/{last}-stubs"
            if not parent and isdir(stubs):
                self._folders[module] += [stubs, base]
                return f"{stubs}/__init__.pyi", True
            for ending in (".pyi", ".py"):
                if isfile(f"{base}/__init__{ending}"):
                    self._folders[module].append(base)
                    return f"{base}/__init__{ending}", True
                if isfile(f"{base}{ending}"):
                    return f"{base}{ending}", False
            if isdir(base):  # a package without a file of its own, perhaps in several folders
                self._folders[module].append(base)
        return "", False
