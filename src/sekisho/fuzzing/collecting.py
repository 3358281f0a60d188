"""Find the guarded functions of a package, and the project's settings for fuzzing them."""

from __future__ import annotations

import builtins
import fnmatch
import importlib
import inspect
import pkgutil
from typing import TYPE_CHECKING, Any, NamedTuple

from hypothesis import strategies as st

from sekisho.errors import DeclarationError
from sekisho.guard import options_of
from sekisho.package import read_project

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

__all__ = ["Found", "find_guards", "read_table", "settings_for"]


class Found(NamedTuple):
    """One guarded function.

    Attributes:
        name: module and qualified name.
        function: the guard.
        given: strategies for parameters without an annotation, such as ``self``.
    """

    name: str
    function: Any
    given: Mapping[str, Any]


def find_guards(package: str) -> Iterator[Found]:
    """Find the guarded functions and methods of a package. This imports its modules.

    Raises:
        ImportError: if a module cannot be imported.
    """
    root = importlib.import_module(package)
    names = [package]
    path = getattr(root, "__path__", None)
    if path is not None:
        found = pkgutil.walk_packages(path, f"{package}.")
        names += [each.name for each in found if not each.name.endswith("__main__")]
    for name in names:
        module = importlib.import_module(name)
        for member in list(vars(module).values()):
            if getattr(member, "__module__", None) == name:
                yield from _guards_in(member, name)


def _guards_in(member: Any, module: str) -> Iterator[Found]:
    if not isinstance(member, type):
        if options_of(member) is not None:
            yield Found(f"{module}.{member.__qualname__}", member, {})
        return
    for name, each in list(vars(member).items()):
        if name == "__init__":
            continue
        title = f"{module}.{member.__qualname__}.{name}"
        bare = getattr(each, "__func__", each)
        if options_of(bare) is None:
            continue
        if bare is not each:  # a static or a class method
            yield Found(title, getattr(member, name), {})
        else:
            first = next(iter(inspect.signature(bare).parameters), "self")
            yield Found(title, each, {first: st.from_type(member)})


def read_table(root: Path) -> dict[str, dict[str, Any]]:
    """Read ``[tool.sekisho.fuzz."package.function"]``: what functions may do.

    Raises:
        DeclarationError: if the section is not valid.
    """
    table: dict[str, dict[str, Any]] = read_project(root)[1].get("fuzz", {})
    return table


def settings_for(name: str, table: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """Return the settings that the table has for one function.

    Raises:
        DeclarationError: if ``allow`` names an error that does not exist.
    """
    merged: dict[str, Any] = {}
    for pattern, says in table.items():
        if fnmatch.fnmatchcase(name, pattern):
            merged.update(says)
    if "allow" in merged:
        merged["allow"] = tuple([_error(each) for each in merged["allow"]])
    return merged


def _error(name: str) -> Any:
    module, _, attribute = name.rpartition(".")
    found = getattr(importlib.import_module(module) if module else builtins, attribute, None)
    if not (isinstance(found, type) and issubclass(found, BaseException)):
        raise DeclarationError(f"[tool.sekisho.fuzz] allow: {name!r} is no error.")
    return found
