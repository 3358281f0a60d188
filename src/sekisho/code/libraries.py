"""Tables of the installed libraries, found where Python finds them, without importing them.

A stub is read where there is one (``torch/_C/__init__.pyi``, ``numpy/__init__.pyi``), else the source.
Of the standard library, the stubs of typeshed are, where a type checker has brought them.
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
from sekisho.code.environments import library_path
from sekisho.code.files import Skipped, read_file
from sekisho.code.tables import Table, lower
from sekisho.utils import parse

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["Libraries"]

_TYPESHED: Final = ("mypy/typeshed/stdlib", "basedpyright/dist/typeshed-fallback/stdlib")
_NO_TABLE: Final = Table({}, [], None)


@lru_cache(maxsize=10_000)
def _digest(path: str, _changed: int, _size: int) -> str:
    """Return the digest of a file; an editor's server asks again at each edit."""
    return digest(Path(path).read_bytes())


class Libraries:
    """Tables of installed modules, by name, as they are when they are asked for first.

    Attributes:
        used: for each module that was looked up, the digest of its file; "folder" if it is only a
            folder; "" if it is not installed.
        environments: those that are searched after the one that runs this.
    """

    used: dict[str, str]
    environments: tuple[Path, ...]

    def __init__(
        self,
        cache: Cache,
        path: Iterable[str] | None = None,
        environments: Iterable[Path] = (),
    ) -> None:
        self._cache = cache
        self.environments = tuple(environments)
        entries = library_path(self.environments) if path is None else path
        self._path = [entry for entry in entries if entry and Path(entry).is_dir()]
        shipped = (f"{entry}/{each}" for entry in self._path for each in _TYPESHED)
        self._typeshed = next((each for each in shipped if isdir(each)), None)
        self._tables: dict[str, Table | None] = {}
        self._folders: dict[str, list[str]] = {}
        self._states: dict[str, str] = {}
        self.used = {}

    def table(self, module: str) -> Table | None:
        """Return the table of a module; an empty one for a folder; None if it is not installed."""
        if module not in self._tables:
            self._tables[module] = self._read(module)
        return self._tables[module]

    def handed_on(self, module: str, name: str) -> tuple[str, str] | None:
        """Return the origin of a name that a module re-exports from another package: `jaxtyping.Array`.

        Returns:
            The other module and the name in it; None if the name is not such a re-export.
        """
        table = self.table(module)
        entry = table.names.get(name) if table is not None else None
        if entry is None or entry[0] != "import" or entry[2] is None:
            return None
        package = module.partition(".")[0]
        return None if entry[1].partition(".")[0] == package else (entry[1], entry[2])

    def still(self, used: dict[str, str]) -> bool:
        """Return whether the files of modules are the same as when `used` was recorded."""
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
        if digest(file.data) == known:  # else the file was replaced between the two reads
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
        """Return the file of a module and whether it is a package's; "" if there is no file to read."""
        parent, _, last = module.rpartition(".")
        if not parent:
            places = self._places(module)
        else:
            if parent not in self._folders:
                self._find(parent)
            places = [f"{folder}/{last}" for folder in self._folders[parent]]
        inside = self._folders[module] = [each for each in places if isdir(each)]
        for place in places:
            for ending in (".pyi", ".py"):
                if isfile(f"{place}/__init__{ending}"):
                    if not parent and not _is_stubs(inside):
                        self._folders[module] = [place]  # others so called are behind it
                    return f"{place}/__init__{ending}", True
                if isfile(f"{place}{ending}"):
                    return f"{place}{ending}", False
        return "", False

    def _places(self, module: str) -> list[str]:
        """Where a package may be, in order: its stubs first, unless they are a part of what it says itself."""
        places = [f"{folder}/{module}" for folder in self._path]
        if self._typeshed is not None and module in sys.stdlib_module_names:
            return [f"{self._typeshed}/{module}", *places]
        stubs = next((f"{each}-stubs" for each in places if isdir(f"{each}-stubs")), None)
        if stubs is None:
            return places
        is_typed = any(isfile(f"{each}/py.typed") for each in places)
        return [*places, stubs] if is_typed and _is_partial(stubs) else [stubs, *places]


def _is_stubs(folders: list[str]) -> bool:
    return any(each.endswith("-stubs") for each in folders)


def _is_partial(stubs: str) -> bool:
    """Whether stubs leave modules to the package that they are of (PEP 561)."""
    try:
        return "partial" in Path(stubs, "py.typed").read_text("utf-8").split()
    except (OSError, ValueError):
        return False
