"""Resolve the names of a program: the project's own, then those of libraries."""

from __future__ import annotations

import ast
import builtins
import copy
from typing import TYPE_CHECKING, Final, Literal

from sekisho.code import Entry, Expr, Libraries, SourceFile, Table, lower
from sekisho.inference.value_types import (
    UNKNOWN,
    ClassValue,
    FunctionValue,
    ModuleValue,
    UnknownValue,
    Value,
)
from sekisho.worlds import HOST, Library, world_named, world_names

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

__all__ = ["IMPORTERS", "Program", "SPECIAL", "Symbol", "imported_by_call", "split"]

Symbol = (
    UnknownValue | ModuleValue | ClassValue | FunctionValue | tuple[Literal["variable"], str, str]
)
"""What a name of a module stands for; for a variable, its module and its name there."""

SPECIAL: Final = frozenset(
    {"typing", "typing_extensions", "collections.abc", "builtins", "jaxtyping", "types"}
)
"""Modules whose names have a fixed meaning in annotations, regardless of their source."""

_BUILTINS: Final[dict[str, ClassValue | FunctionValue]] = {
    name: ("class", f"builtins:{name}")
    if isinstance(value, type)
    else ("function", f"builtins:{name}")
    for name, value in vars(builtins).items()
    if callable(value)
}
_DEEPEST: Final = 60
_NOTHING: Final[dict[str, Entry]] = {}


IMPORTERS: Final = frozenset({"importorskip", "import_module"})
"""Functions that import a module by its name."""


def imported_by_call(expr: Expr) -> str:
    """Return the module of ``pytest.importorskip("m")`` or ``import_module("m")``; "" if neither."""
    match expr:
        case ("call", str(function), (("const", str(module)), *_), _):
            return module if function.rpartition(".")[2] in IMPORTERS else ""
        case _:
            return ""


def split(identifier: str) -> tuple[str, str]:
    """Split ``module:name`` into module and name."""
    module, _, name = identifier.partition(":")
    return module, name


class Program:
    """All modules of a program and its libraries, by key: the import name, made unique.

    Attributes:
        files: the project's own files.
        worlds: the host's world, and those whose library is installed and named in the project.
        unread: the names of the other worlds: a value from one of them may be an array.
        array_classes: the classes of worlds: True for arrays, False for single numbers.
        annotations: the values of annotations read so far, by module.
        axes: the axis strings of annotations, by module.
    """

    files: dict[str, SourceFile]
    worlds: tuple[Library, ...]
    unread: set[str]
    array_classes: dict[str, tuple[str, bool]]
    annotations: dict[tuple[str, Expr], Value]
    axes: dict[tuple[str, Expr], tuple[str, ...]]

    def __init__(self, files: Iterable[tuple[SourceFile, Table]], libraries: Libraries) -> None:
        self.libraries = libraries
        self.files = {}
        self._tables: dict[str, Table] = {}
        self._by_name: dict[str, list[str]] = {}
        for file, table in files:
            self._add(file, table)
        self._resolved: dict[tuple[str, str], Symbol | None] = {}
        self.annotations = {}
        self.axes = {}
        self._mros: dict[str, tuple[str, ...]] = {}
        self._own_mros: dict[str, tuple[str, ...]] = {}
        self._members: dict[tuple[str, str], tuple[str, Entry] | None] = {}
        self.array_classes = {}
        self.unread = set()
        self.worlds = tuple(self._find_worlds())
        self._subclasses: dict[str, list[str]] | None = None

    def _add(self, file: SourceFile, table: Table) -> None:
        key = file.module
        if key in self.files:
            # two files may have the same module name, as scripts and conftest.py have
            key = f"{file.module}@{file.path}"
        self.files[key] = file
        # A copy: `define` adds names, and a cache may hold the table that it was made of.
        self._tables[key] = table._replace(names=dict(table.names))
        self._by_name.setdefault(file.module, []).append(key)

    def with_text(self, key: str, file: SourceFile, table: Table) -> Program:
        """Return the program with another text of one file; for as long as its names are the same.

        What was resolved is shared by both.
        """
        new = copy.copy(self)
        new.files = {**self.files, key: file}
        copied = table._replace(names=dict(table.names))
        new._tables = {**self._tables, key: copied}  # noqa: SLF001 - its own class
        return new

    def _find_worlds(self) -> Iterable[Library]:
        for name in world_names():
            if name != HOST.name and not any(name in file.text for file in self.files.values()):
                self.unread.add(name)
                continue
            world = world_named(name)
            for dotted, is_array in ((world.array_class, True), (world.supplement.scalar, False)):
                found = self.dotted(name, dotted) if dotted else UNKNOWN
                if found[0] == "class":
                    self.array_classes[found[1]] = (name, is_array)
                    if is_array:
                        self.array_classes |= dict.fromkeys(world.supplement.also, (name, True))
                        yield world

    # --- modules

    def find_module(self, name: str, near: str = "") -> str:
        """Return the key of the module that an import of `name` in module `near` gives; "" if none."""
        keys = self._by_name.get(name)
        if keys:
            if len(keys) == 1:
                return keys[0]
            file = self.files.get(near)
            beside = [key for key in keys if file and self.files[key].root == file.root]
            return beside[0] if beside else keys[0]
        return name if name in SPECIAL or self.libraries.table(name) is not None else ""

    def table(self, key: str) -> Table | None:
        """Return the table of a module."""
        found = self._tables.get(key)
        return found if found is not None else self.libraries.table(key)

    def is_own(self, identifier: str) -> bool:
        """Return whether a class or function belongs to the project."""
        return split(identifier)[0] in self.files

    # --- names

    def resolve(self, key: str, name: str) -> Symbol | None:
        """Resolve a name of a module: to a module, class, function or ``("variable", key, name)``.

        Returns:
            None if the module has no such name.
        """
        at = (key, name)
        if at not in self._resolved:
            self._resolved[at] = UNKNOWN  # during the search, for cycles of imports
            self._resolved[at] = self._resolve(key, name)
        return self._resolved[at]

    def _resolve(self, key: str, name: str) -> Symbol | None:
        if key in SPECIAL:
            return self._resolve_special(key, name)
        table = self.table(key)
        if table is None:
            return UNKNOWN
        entry = table.names.get(name)
        if entry is None:
            return self._from_star(key, table, name)
        match entry:
            case ("def", _):
                return "function", f"{key}:{name}"
            case ("class", *_):
                return "class", f"{key}:{name}"
            case ("import", module, imported):
                return self._imported(key, module, imported)
            case ("var", annotation, alias):
                return self._of_variable(key, name, annotation, alias)

    def _of_variable(self, key: str, name: str, annotation: Expr, alias: Expr) -> Symbol:
        module = imported_by_call(alias)
        if module:
            return self._imported(key, module, None)
        if annotation is None and isinstance(alias, str) and alias != name:
            found = self.dotted(key, alias)
            if found[0] in {"class", "function", "module"}:
                return found
        return "variable", key, name

    def _resolve_special(self, key: str, name: str) -> Symbol | None:
        if key == "builtins":
            return _BUILTINS.get(name)
        other = self.libraries.handed_on(key, name) if key == "jaxtyping" else None
        return ("class", f"{key}:{name}") if other is None else self._imported(key, *other)

    def _from_star(self, key: str, table: Table, name: str) -> Symbol | None:
        for star in table.stars:
            module = self.find_module(star, key)
            other = self.table(module) if module else None
            if other is None or (
                name.startswith("_") and (other.exported is None or name not in other.exported)
            ):
                continue
            found = self.resolve(module, name)
            if found is not None:
                return found
        return None

    def _imported(self, key: str, module: str, name: str | None) -> Symbol:
        found = self.find_module(module, key)
        if name is None:
            return ("module", found) if found else UNKNOWN
        if found:
            value = self.resolve(found, name) if found != key or name else None
            if value is not None and value[0] != "?":
                return value
        submodule = self.find_module(f"{module}.{name}", key)
        return ("module", submodule) if submodule else UNKNOWN

    def imported(self, key: str, node: ast.ImportFrom, name: str) -> Symbol:
        """Return what ``from module import name`` gives, wherever it is."""
        module, is_package = self._place(key)
        names = lower(ast.Module([node], []), module, is_package=is_package).names
        for entry in names.values():
            if entry[0] == "import" and entry[2] == name:
                return self._imported(key, entry[1], name)
        return UNKNOWN

    def _place(self, key: str) -> tuple[str, bool]:
        file = self.files[key]
        return file.module, file.is_package

    def attribute_of_module(self, key: str, name: str) -> Symbol:
        """Return the value of ``module.name``."""
        value = self.resolve(key, name)
        if value is not None and value[0] != "?":
            return value
        file = self.files.get(key)
        dotted = f"{file.module if file else key}.{name}"
        submodule = self.find_module(dotted, key)
        return ("module", submodule) if submodule else UNKNOWN

    def dotted(self, key: str, dotted: str) -> Symbol:
        """Return the value of ``a.b.c`` in a module."""
        first, *rest = dotted.split(".")
        value = self.resolve(key, first)
        if value is None:
            value = _BUILTINS.get(first) or UNKNOWN
        for name in rest:
            if value[0] == "module":
                value = self.attribute_of_module(value[1], name)
            elif value[0] == "class":
                value = self.attribute_of_class(value[1], name)
            else:
                return UNKNOWN
        return value

    def attribute_of_class(self, name: str, attribute: str) -> Symbol:
        """Return a class or function that is defined in a class."""
        found = self.member(name, attribute)
        if found is None:
            return UNKNOWN
        owner, entry = found
        if entry[0] == "def":
            return "function", f"{owner}.{attribute}"
        return ("class", f"{owner}.{attribute}") if entry[0] == "class" else UNKNOWN

    # --- classes

    def entry(self, identifier: str) -> Entry | None:
        """Return the table entry of a class or function: ``module:Outer.inner``."""
        key, name = split(identifier)
        table = self.table(key) if key not in SPECIAL else None
        if table is None:
            return None
        found = table.names.get(name)
        if found is not None:
            return found
        if "<locals>" in name:  # a method of a class in a function
            owner, _, last = name.rpartition(".")
            above = self.entry(f"{key}:{owner}") if owner else None
            return above[2].get(last) if above is not None and above[0] == "class" else None
        names = table.names
        for part in name.split("."):
            found = names.get(part)
            if found is None:
                return None
            names = found[2] if found[0] == "class" else _NOTHING
        return found

    def define(self, key: str, name: str, entry: Entry) -> None:
        """Add a definition from inside a function."""
        table = self._tables[key]
        table.names.setdefault(name, entry)

    def bases(self, name: str) -> Sequence[Symbol]:
        """Return the base classes of a class."""
        entry = self.entry(name)
        if entry is None or entry[0] != "class":
            return ()
        key = split(name)[0]
        return [self._base(key, expr) for expr in entry[1]]

    def _base(self, key: str, expr: Expr) -> Symbol:
        if isinstance(expr, tuple) and expr[0] == "[]":
            expr = expr[1]
        return self.dotted(key, expr) if isinstance(expr, str) else UNKNOWN

    def mro(self, name: str) -> tuple[str, ...]:
        """Return a class and its ancestors, nearest first."""
        found = self._mros.get(name)
        if found is None:
            self._mros[name] = (name,)  # in case the class inherits from itself
            order = {name: None}
            for base in self.bases(name):
                if base[0] == "class":
                    order.update(dict.fromkeys(self.mro(base[1])[:_DEEPEST]))
            found = self._mros[name] = tuple(order)
        return found

    def own_mro(self, name: str) -> tuple[str, ...]:
        """Return those of `mro` that belong to the project."""
        found = self._own_mros.get(name)
        if found is None:
            found = self._own_mros[name] = tuple(filter(self.is_own, self.mro(name)))
        return found

    def member(self, name: str, attribute: str) -> tuple[str, Entry] | None:
        """Return the class of a member, among a class and its bases, and the member's entry."""
        at = (name, attribute)
        if at not in self._members:
            found = [
                (owner, entry[2][attribute])
                for owner in self.mro(name)
                if (entry := self.entry(owner)) is not None
                and entry[0] == "class"
                and attribute in entry[2]
            ]
            # `detach = _add_docstr(Base.detach, ...)` overrides without annotations: for a
            # library's member, prefer an annotated definition in a base.
            said = [each for each in found if _is_annotated(each[1])]
            is_foreign = bool(found) and not self.is_own(found[0][0])
            self._members[at] = next(iter((said if is_foreign else None) or found), None)
        return self._members[at]

    def members(self, name: str) -> set[str]:
        """Return the names of all members of a class."""
        entries = [self.entry(owner) for owner in self.mro(name)]
        return {each for entry in entries if entry and entry[0] == "class" for each in entry[2]}

    def world_of_class(self, name: str) -> tuple[str, bool] | None:
        """Return the world of an array or number class, and whether it is an array class."""
        for each in self.mro(name):
            found = self.array_classes.get(each)
            if found is not None:
                return found
        return None

    def subclasses(self, name: str) -> Sequence[str]:
        """Return the project's classes that inherit from a class."""
        if self._subclasses is None:
            self._subclasses = {}
            for key in self.files:
                for own in self.classes_of(key):
                    for base in self.mro(own)[1:]:
                        self._subclasses.setdefault(base, []).append(own)
        return self._subclasses.get(name, ())

    def classes_of(self, key: str) -> Iterator[str]:
        """Yield the classes of one of the project's modules."""
        for name, entry in self._tables[key].names.items():
            if entry[0] == "class":
                yield f"{key}:{name}"


def _is_annotated(entry: Entry) -> bool:
    if entry[0] == "def":
        (_, returns, *_), *_ = entry[1]
        return returns is not None
    return entry[0] != "var" or entry[1] is not None
