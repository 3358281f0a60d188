"""What a project says of itself: ``[tool.sekisho]`` in its pyproject.toml, and the tables inside."""

from __future__ import annotations

import tomllib
from typing import TYPE_CHECKING, Any, Final

from sekisho.context import read_violations
from sekisho.errors import DeclarationError
from sekisho.ground import printable
from sekisho.worlds import class_of

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["read_project", "read_pyproject", "read_tools"]

_FORMS: Final = {
    "mode": str,
    "violations": str,
    "packages": list,
    "worlds": dict,
    "check": dict,
    "fuzz": dict,
}
"""What the section may hold: each part is read by whom it concerns, and known to all."""


def read_tools(place: Path) -> tuple[Path | None, dict[str, Any]]:
    """Read the table ``[tool]`` of this file, or of the ``pyproject.toml`` in this folder or the nearest above.

    Returns:
        The file, None if there is none, and the tables of all tools.

    Raises:
        DeclarationError: if the file cannot be read, or is no TOML.
    """
    paths = [each / "pyproject.toml" for each in (place, *place.parents)]
    if place.is_file() and place.suffix == ".toml":  # the one that pytest was given
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
    tools: Any = document.get("tool", {})
    if class_of(tools) is not dict:
        raise DeclarationError(
            f"{printable(str(path))}: [tool] is a table of tables, got {tools!r}."
        )
    return path, tools


def read_project(place: Path) -> tuple[Path | None, dict[str, Any]]:
    """Read the section in this file, or in this folder or the nearest above; give the file, too.

    Raises:
        DeclarationError: if the section is not of its form, or the file is no TOML.
    """
    path, tools = read_tools(place)
    section: Any = tools.get("sekisho", {})
    is_table = class_of(section) is dict
    if not is_table or any(class_of(said) is not _FORMS.get(key) for key, said in section.items()):
        raise DeclarationError(
            f"{printable(str(path))}: [tool.sekisho] takes packages = [...], mode = '...', violations = '...' and "
            f"the tables worlds, check and fuzz, got {section!r}."
        )
    try:
        read_violations(f"{printable(str(path))}: [tool.sekisho]", section.get("violations"))
    except ValueError as error:
        raise DeclarationError(str(error)) from None
    return path, section


def read_pyproject(place: Path) -> tuple[list[str], dict[str, str]]:
    """Read which packages are guarded, and the worlds of their parts.

    Raises:
        DeclarationError: if the section is not of its form.
    """
    _, section = read_project(place)
    return section.get("packages", []), section.get("worlds", {})
