"""The import hook: compile the modules of guarded packages with decorators inserted."""

from __future__ import annotations

import atexit
import contextlib
import importlib.machinery
import importlib.util
import sys
import warnings
from functools import cache
from pathlib import Path
from types import FunctionType
from typing import TYPE_CHECKING, Any, Final
from zipimport import zipimporter

from sekisho.context import get_mode
from sekisho.contract import Options
from sekisho.errors import DeclarationError, UnguardedWarning
from sekisho.guard import (
    guard_generated,
    guard_later,
    guard_target,
    imported_for_typing,
    take_reports,
    tell_unguarded,
)
from sekisho.package import compiled
from sekisho.package.inject import inject
from sekisho.package.table import Table, make_table, matches
from sekisho.utils import is_being_imported, parse
from sekisho.worlds import class_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from types import CodeType, ModuleType

    from sekisho.contract import DecoratorName

__all__ = [
    "Hook",
    "class_decorator_for",
    "decorator_for",
]

_installed: Final[list[Hook]] = []
_NAME: Final = "install_import_hook()"
_RIVALS: Final = ("beartype", "jaxtyping", "typeguard")


class Hook:
    """A finder that comes first in ``sys.meta_path``.

    Attributes:
        packages: the packages to guard.
        modules: names of the modules that it has guarded.
        names: dotted names of everything that these define.
    """

    def __init__(self, packages: Sequence[str], worlds: Mapping[str, str]) -> None:
        if not hasattr(packages, "__iter__"):
            raise DeclarationError(f"{_NAME}: expected names of packages, got {packages!r}.")
        self.packages: tuple[str, ...] = tuple(packages)
        self.modules: list[str] = []
        self.names: set[str] = set()
        for package in self.packages:
            _require_fresh(package)
        self.table: Table = make_table(worlds, self.packages)
        # A pattern may name something inside a module. Without an import, only the module can be
        # checked.
        known = [name for package in self.packages for name, _ in _modules_of(package)]
        for pattern in self.table.unmatched(known):
            if not any(pattern.startswith(f"{name}.") for name in known):
                raise DeclarationError(f"worlds[{pattern!r}]: no module of that name is there.")

    @staticmethod
    def installed(packages: Sequence[str], worlds: Mapping[str, str]) -> Hook | None:
        """Return the hook that guards exactly these packages by this table; None if there is none."""
        wanted = tuple(packages), tuple(worlds.items())
        return next(
            (each for each in _installed if (each.packages, each.table.rows) == wanted), None
        )

    def install(self) -> None:
        """Start guarding the packages when they are imported."""
        _refuse_rivals(self.packages)
        sys.meta_path.insert(0, self)
        _installed.append(self)
        atexit.register(self.report)

    def uninstall(self, *, reports: bool = True) -> None:
        """Stop guarding imports. Modules that are guarded already stay guarded.

        Args:
            reports: whether to warn about modules that were imported unguarded.
        """
        if self in _installed:
            _installed.remove(self)
            sys.meta_path.remove(self)
            atexit.unregister(self.report)
            if reports:
                self.report()

    def report(self) -> None:
        """Warn about modules that were imported unguarded, and patterns that match nothing."""
        for report in take_reports():
            report.warn()
        for pattern in self.unmatched():
            text = f"worlds[{pattern!r}]: nothing in the package is so called."
            warnings.warn(text, UnguardedWarning, stacklevel=2)
        for text in self.missed():
            warnings.warn(text, UnguardedWarning, stacklevel=2)

    def missed(self) -> list[str]:
        """Return a text for modules of the packages that were imported, but not by this hook."""
        late: dict[str, list[str]] = {}
        sourceless: dict[str, list[str]] = {}
        for name, module in tuple(sys.modules.items()):
            loader = getattr(module, "__loader__", None)
            # A module that is still being imported may not have reached this hook's list yet.
            if not self.guards(name) or name in self.modules or is_being_imported(module):
                continue
            if isinstance(loader, importlib.machinery.SourceFileLoader):
                late.setdefault(type(loader).__module__, []).append(name)
            elif isinstance(loader, (importlib.machinery.SourcelessFileLoader, zipimporter)):
                sourceless.setdefault(type(loader).__name__, []).append(name)
        return [
            *(
                f"imported unguarded, because a loader of {loader} came first: {_some_of(names)}."
                for loader, names in late.items()
            ),
            *(
                f"imported unguarded, because {loader} has no source file: {_some_of(names)}."
                for loader, names in sourceless.items()
            ),
        ]

    def unmatched(self) -> list[str]:
        """Return the table's patterns that match no name in the packages.

        Modules that were not imported are parsed, not run. Before the first import, the result is
        empty.
        """
        left = self.table.unmatched(self.names) if self.modules else []
        if not left:
            return []
        names = set(self.names)
        for package in self.packages:
            for name, path in _modules_of(package):
                names.add(name)
                if name not in self.modules and path is not None:
                    with contextlib.suppress(OSError, ValueError):
                        names |= {*inject(parse(path.read_bytes()), name, self.table)}
        return self.table.unmatched(names)

    def guards(self, name: str) -> bool:
        """Return whether a module belongs to the guarded packages."""
        return any(matches(package, name) for package in self.packages)

    def __enter__(self) -> Hook:
        return self

    def __exit__(self, *error: object) -> None:
        self.uninstall()

    # --- the finder protocol

    def find_spec(
        self, name: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> Any:
        """Find a module as Python would, and replace its loader."""
        if not self.guards(name):
            return None
        for finder in sys.meta_path:
            if finder is self or not hasattr(finder, "find_spec"):
                continue
            spec = finder.find_spec(name, path, target)
            if spec is None:
                continue
            if isinstance(spec.loader, importlib.machinery.SourceFileLoader):
                # A loader of another library would have to compile the module, too.
                if type(spec.loader) is not importlib.machinery.SourceFileLoader and (
                    _transforms(spec.loader, name)
                ):
                    _refuse_rival(name, type(spec.loader).__module__)
                spec.loader = _Loader(name, spec.loader.path, self)
            return spec
        return None


class _Loader(importlib.machinery.SourceFileLoader):
    """Compiles a module with its decorators inserted, using a bytecode cache of its own."""

    def __init__(self, name: str, path: str, hook: Hook) -> None:
        super().__init__(name, path)
        self.hook = hook

    # No exec_module of its own: Python's adds no frame that a warning's stacklevel would count.
    def get_code(self, fullname: str) -> CodeType | None:
        made = self._compiled(fullname)
        imported_for_typing[fullname] = made.typed
        self.hook.names.update(made.names)
        self.hook.modules.append(fullname)
        return made.code

    def _compiled(self, fullname: str) -> compiled.Compiled:
        package, table = self._package(fullname), self.hook.table
        kept_in = compiled.path_of(self.path)
        stats = self.path_stats(self.path)  # time and size, as Python uses for its own bytecode
        key = compiled.key_of(stats, self.path, fullname, package, table=table)
        if kept_in is not None:
            with contextlib.suppress(OSError):
                kept = compiled.read(self.get_data(kept_in), key)
                if kept is not None:
                    return kept
        source = self.get_data(self.path)
        made = compiled.compile_module(source, self.path, fullname, package, table)
        if kept_in is not None and not sys.dont_write_bytecode:
            self.set_data(kept_in, compiled.written(made, key))
        return made

    def _package(self, fullname: str) -> str:
        return fullname if self.is_package(fullname) else fullname.rpartition(".")[0]


# --- the inserted decorators --------------------------------------------------------------------


def _kind(entry: str | None) -> DecoratorName:
    """Return the kind of decorator for an entry of the table."""
    return "boundary" if entry in {None, "boundary"} else f"{entry}_world"


def _options(entry: str | None) -> Options:
    checker = None if entry is None else "beartype"
    return Options(
        _kind(entry),
        typechecker=checker,
        gives_way=True,
        arrays_only=entry is None,
        lenient=True,
    )


@cache
def decorator_for(entry: str | None) -> Callable[[Any], Any]:
    """Return the decorator for an entry of the table; None is for names without an entry."""
    return _decorator(guard_target, entry)


@cache
def class_decorator_for(
    entry: str | None, methods: tuple[tuple[str, str | None], ...] = ()
) -> Callable[[Any], Any]:
    """Return the decorator for methods that a class's own decorators have generated.

    Args:
        entry: the entry of the class.
        methods: if given, guard these methods instead, each with its entry, because the class's
            decorators have compiled them again.
    """
    if not methods:
        return _decorator(guard_generated, entry)

    def decorate(kind: Any) -> Any:
        for name, its_entry in methods:
            setattr(kind, name, decorator_for(its_entry)(vars(kind)[name]))
        return kind

    return decorate


def _decorator(guard: Callable[..., Any], entry: str | None) -> Callable[[Any], Any]:
    options = _options(entry)

    def decorate(target: Any) -> Any:
        if get_mode() == "off":
            return target
        if guard is guard_target and class_of(target) is FunctionType and not vars(target):
            return guard_later(target, options)  # the common case; a package has thousands
        try:
            return guard(
                target, options, None
            )  # names that the annotations use are looked up at the first call
        except Exception as error:  # noqa: BLE001 - any error must leave the target unguarded
            # The author did not write this decorator, so it must not break the package.
            name = getattr(target, "__qualname__", repr(target))
            tell_unguarded(target, [f"{name}: {error}"])
            return target

    return decorate


# --- conflicts ----------------------------------------------------------------------------------


def _require_fresh(package: Any) -> None:
    """Refuse a package that does not exist, or has been imported or guarded already."""
    if not isinstance(package, str) or not all(map(str.isidentifier, package.split("."))):
        name = Path(str(package)).name.partition(".")[0]
        hint = (
            f"\n  hint: the name by which it is imported: {name!r}" if name.isidentifier() else ""
        )
        raise DeclarationError(f"{_NAME}: expected a package's name, got {package!r}.{hint}")
    for hook in _installed:
        if any(matches(each, package) or matches(package, each) for each in hook.packages):
            raise DeclarationError(f"{_NAME}: {package} is guarded by a hook already.")
    loaded = sorted(
        name
        for name, module in tuple(sys.modules.items())
        if matches(package, name) and not is_being_imported(module)
    )
    if loaded:
        raise DeclarationError(
            f"{_NAME}: {loaded[0]} has been imported already, unguarded.\n"
            f"  hint: install the hook before the first import of {package}"
        )
    try:
        spec = importlib.util.find_spec(package)
    except ModuleNotFoundError:
        spec = None
    if spec is None:
        raise DeclarationError(f"{_NAME}: there is no package {package!r}.")


def _some_of(names: Sequence[str]) -> str:
    """Return the first few names, and the number of the others."""
    shown = ", ".join(names[:_SHOWN])
    return shown if len(names) <= _SHOWN else f"{shown} and {len(names) - _SHOWN} more"


_SHOWN: Final = 4


def _refuse_rivals(packages: Sequence[str]) -> None:
    """Refuse to run before another library's hook that would transform the same modules."""
    for finder in sys.meta_path:
        library = type(finder).__module__.partition(".")[0]
        asks = getattr(finder, "should_instrument", None)
        if library in _RIVALS:
            for package in packages:
                if asks is None or asks(package):
                    _refuse_rival(package, library)


def _transforms(loader: Any, name: str) -> bool:
    """Return whether a custom loader transforms this module; beartype.claw's loads all modules."""
    if not type(loader).__module__.startswith("beartype."):
        return True
    try:
        trie = importlib.import_module("beartype.claw._package.clawpkgtrie")
        return trie.get_package_conf_or_none(name) is not None
    except (ImportError, AttributeError):  # the name is private: if it is gone, assume a conflict
        return True


def _refuse_rival(package: str, library: str) -> None:
    raise DeclarationError(
        f"{_NAME}: a hook of {library} is in the way of {package}: only one of the "
        f"two can compile its modules.\n  hint: remove the one or the other"
    )


def _modules_of(package: str) -> Iterator[tuple[str, Path | None]]:
    """Yield a package and its modules, with their files, without importing them."""
    spec = None
    with contextlib.suppress(ImportError, ValueError):
        spec = importlib.util.find_spec(package)
    yield package, Path(spec.origin) if spec and spec.has_location and spec.origin else None
    for root in (spec.submodule_search_locations or ()) if spec else ():
        for path in sorted(Path(root).rglob("*")):
            relative = path.relative_to(root)
            parts = [*relative.parts[:-1], relative.name.partition(".")[0]]
            is_module = path.is_dir() or path.suffix in {".py", ".so", ".pyd", ".pyi"}
            if is_module and all(map(str.isidentifier, parts)) and parts[-1] != "__init__":
                file = path / "__init__.py" if path.is_dir() else path
                yield ".".join([package, *parts]), file if file.suffix == ".py" else None
