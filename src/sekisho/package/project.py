"""Read a project's settings: ``[tool.sekisho]`` in its pyproject.toml, and the tables inside."""

from __future__ import annotations

import tomllib
from typing import TYPE_CHECKING, Any

from sekisho.errors import DeclarationError
from sekisho.package.schema import SCHEMA, check
from sekisho.utils import closest, printable
from sekisho.worlds import class_of

if TYPE_CHECKING:
    import argparse
    from pathlib import Path

__all__ = ["fill_options", "read_project", "read_pyproject", "read_tools"]


def read_tools(place: Path) -> tuple[Path | None, dict[str, Any]]:
    """Read the table ``[tool]`` of a file, or of the nearest pyproject.toml in or above a folder.

    Returns:
        The file, or None if there is none, and the tables of all tools.

    Raises:
        DeclarationError: if the file cannot be read, or is not valid TOML.
    """
    paths = [each / "pyproject.toml" for each in (place, *place.parents)]
    if place.is_file() and place.suffix == ".toml":  # such as the file passed to pytest
        paths = [place]
    path = next((each for each in paths if each.is_file()), None)
    if path is None:
        return None, {}
    try:
        document = tomllib.loads(path.read_text("utf-8"))
    except OSError as error:
        raise DeclarationError(f"{printable(str(path))} cannot be read: {error.strerror}") from None
    except ValueError as error:
        raise DeclarationError(f"{printable(str(path))} is no TOML: {error}") from None
    misspelt = _misspelt(document)
    if misspelt:
        raise DeclarationError(
            f"{printable(str(path))}: nothing reads [{misspelt}]. Did you mean [tool.sekisho]?"
        )
    tools: Any = document.get("tool", {})
    if class_of(tools) is not dict:
        raise DeclarationError(
            f"{printable(str(path))}: [tool] is a table of tables, got {tools!r}."
        )
    return path, tools


def _misspelt(document: dict[str, Any]) -> str:
    """Return the name of a table whose name is nearly that of ours; "" if there is none."""
    if "sekisho" in document:
        return "sekisho"
    tables: Any = document.get("tools")
    if class_of(tables) is dict and "sekisho" in tables:
        return "tools.sekisho"
    tools: Any = document.get("tool")
    others = tools.keys() - {"sekisho"} if class_of(tools) is dict else ()
    close = closest("sekisho", others)
    return f"tool.{close}" if close else ""


def read_project(place: Path) -> tuple[Path | None, dict[str, Any]]:
    """Read the section of a file, or of the nearest pyproject.toml; return the file, too.

    Raises:
        DeclarationError: if the section is not valid, or the file is not valid TOML.
    """
    path, tools = read_tools(place)
    section: Any = tools.get("sekisho", {})
    fault = check(section)
    if fault is not None:
        raise DeclarationError(f"{printable(str(path))}: {fault}")
    return path, section


def read_pyproject(place: Path) -> tuple[list[str], dict[str, str]]:
    """Read which packages to guard, and the worlds of their parts.

    Raises:
        DeclarationError: if the section is not valid.
    """
    _, section = read_project(place)
    return section.get("packages", []), section.get("worlds", {})


def fill_options(options: argparse.Namespace, command: str, place: Path) -> None:
    """Fill in command-line options that were not passed (None) from ``[tool.sekisho.COMMAND]``.

    Options that the section does not set get their default.

    Args:
        options: the result of argparse. It is changed.
        command: the name of the command and of its table.
        place: a folder of the project, or a file in one.

    Raises:
        DeclarationError: if the section is not valid.
    """
    _, section = read_project(place)
    table: dict[str, Any] = section.get(command, {})
    for name, schema in SCHEMA["properties"][command]["properties"].items():
        key = name.replace("-", "_")
        if getattr(options, key) is None:
            setattr(options, key, table.get(name, schema["default"]))
