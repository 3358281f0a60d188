"""The project's settings for `check`: the table ``[tool.sekisho.check]`` in pyproject.toml."""

from __future__ import annotations

from fnmatch import fnmatch
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, TypedDict

from sekisho.errors import DeclarationError
from sekisho.findings.finding import CODES, to_code
from sekisho.package import read_project
from sekisho.utils import printable
from sekisho.worlds import world_named, world_names

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

__all__ = ["Settings", "read_settings"]


class Settings(NamedTuple):
    """What to report, and what not.

    Attributes:
        folder: the folder of the settings file; paths in it are relative to this folder.
        select: codes, or prefixes, to report; None is the default: all except rules of style, which
            only projects that use sekisho get.
        ignore: codes, or prefixes, not to report.
        per_file: patterns of paths, and codes not to report there.
        suffixes: endings of names, and the worlds that they stand for.
        baseline: the file of known findings; None if there is none.
        exclude: patterns of paths to report nothing about.
        is_adopted: whether the project has settings of sekisho.
        extend_select: codes to report in addition.
    """

    folder: Path
    select: tuple[str, ...] | None = None
    ignore: tuple[str, ...] = ()
    per_file: Mapping[str, tuple[str, ...]] = {}
    suffixes: Mapping[str, frozenset[str]] = {}
    baseline: Path | None = None
    exclude: tuple[str, ...] = ()
    is_adopted: bool = False
    extend_select: tuple[str, ...] = ()

    def wants(self, code: str, path: str, *, is_adopted: bool = False) -> bool:
        """Return whether to report a code for a file.

        Args:
            code: the code.
            path: the file.
            is_adopted: whether the file itself uses sekisho.
        """
        if self.select is not None:
            is_selected = code.startswith(self.select)
        else:
            is_selected = not CODES[code].is_style or self.is_adopted or is_adopted
        is_selected = is_selected or code.startswith(self.extend_select)
        if not is_selected or (self.ignore and code.startswith(self.ignore)):
            return False
        shown = self.shown(path)
        if any(_matches(shown, pattern) for pattern in self.exclude):
            return False
        return not any(
            code.startswith(codes)
            for pattern, codes in self.per_file.items()
            if _matches(shown, pattern)
        )

    def shown(self, path: str) -> str:
        """Return a path relative to the project's folder, with slashes."""
        full = Path(path).absolute()
        try:
            return full.relative_to(self.folder).as_posix()
        except ValueError:
            return full.as_posix()


def _matches(path: str, pattern: str) -> bool:
    return (
        fnmatch(path, pattern)
        or fnmatch(path, f"*/{pattern}")
        or path.startswith(f"{pattern.rstrip('/')}/")
    )


def read_settings(paths: Iterable[str | Path]) -> Settings:
    """Read the settings of the project that the first of some paths is in.

    Raises:
        ValueError: if they cannot be read, or contain unknown keys or values.
    """
    folder = Path(next(iter(paths), ".")).absolute()
    try:
        file, section = read_project(folder)
    except DeclarationError as error:
        raise ValueError(str(error)) from None
    if file is None:
        return Settings(Path.cwd(), suffixes=_default_suffixes())
    try:
        settings = _read(section.get("check", {}), file.parent)
        return settings._replace(is_adopted=bool(section))
    except ValueError as error:
        raise ValueError(f"{printable(str(file))}: [tool.sekisho.check]: {error}") from None


_Table = TypedDict(
    "_Table",
    {
        "select": list[str],
        "extend-select": list[str],
        "ignore": list[str],
        "per-file-ignores": dict[str, list[str]],
        "suffixes": dict[str, str | list[str]],
        "baseline": str,
        "exclude": list[str],
    },
    total=False,
)
"""The table, after it was compared with its schema."""


def _read(table: _Table, folder: Path) -> Settings:
    suffixes = _default_suffixes()
    for ending, name in table.get("suffixes", {}).items():
        names = [name] if isinstance(name, str) else name
        for each in names:
            if each not in world_names():
                raise ValueError(
                    f"suffixes: there is no world {each!r}, only {', '.join(world_names())}"
                )
        suffixes[ending] = frozenset(names)
    baseline = table.get("baseline")
    return Settings(
        folder,
        _codes(table["select"]) if "select" in table else None,
        _codes(table.get("ignore", ())),
        {pattern: _codes(codes) for pattern, codes in table.get("per-file-ignores", {}).items()},
        {ending: worlds for ending, worlds in suffixes.items() if worlds},
        None if baseline is None else folder / baseline,
        tuple(table.get("exclude", ())),
        extend_select=_codes(table.get("extend-select", ())),
    )


def _codes(codes: Iterable[str]) -> tuple[str, ...]:
    return tuple(to_code(code) for code in codes)


def _default_suffixes() -> dict[str, frozenset[str]]:
    found: dict[str, set[str]] = {}
    for name in world_names():
        for ending in world_named(name).supplement.suffixes:
            found.setdefault(ending, set()).add(name)
    return {ending: frozenset(names) for ending, names in found.items()}
