"""The errors that the docstring of a function declares."""

from __future__ import annotations

import builtins
import inspect
import re
import sys
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["declared_errors"]

_RAISES: Final = re.compile(
    r"^[ \t]*:raises?[ \t]+([\w., \t]+):|^[ \t]*Raises:?[ \t]*\n((?:.*\n?)*)", re.MULTILINE
)
_PROSE: Final = re.compile(r"\b[Rr]aises? (?:an? )?[:`\w~]*?`?([A-Z]\w*(?:Error|Exception))\b")
"""In a sentence: Raise ValueError if the matrix is singular."""

_ENTRY: Final = re.compile(
    r"^([ \t]*)([A-Za-z_][\w.]*(?:[ \t]*(?:,|or)[ \t]*[A-Za-z_][\w.]*)*)[ \t]*(?::|$)"
)


def declared_errors(function: Any) -> Iterator[type[BaseException]]:
    """Yield the errors that a docstring lists, in the style of Google, NumPy or Sphinx, or in prose."""
    text = inspect.getdoc(function) or ""
    names: list[str] = _PROSE.findall(text)
    for match in _RAISES.finditer(text):
        words = [match[1]] if match[1] else _entries(match[2])
        names += re.findall(r"[A-Za-z_][\w.]*", " ".join(words))
    for name in names:
        found = _resolve(function, name)
        if isinstance(found, type) and issubclass(found, BaseException):
            yield found


def _entries(block: str) -> Iterator[str]:
    """Yield the names at the start of each entry of a section; the next header ends the section."""
    lines = [line for line in block.expandtabs().splitlines() if line.strip("- \t")]
    if not lines:
        return
    depth = len(lines[0]) - len(lines[0].lstrip())
    for line in lines:
        inside = len(line) - len(line.lstrip())
        if inside < depth:
            return
        match = _ENTRY.match(line)
        if inside == depth and match:
            yield match[2]


def _resolve(function: Any, name: str) -> Any:
    first, *rest = name.split(".")
    scope: dict[str, Any] = getattr(function, "__globals__", {})
    found = scope.get(first, getattr(builtins, first, sys.modules.get(first)))
    for part in rest:
        found = getattr(found, part, None)
    return found
