"""Find the array libraries that a program needs and that are not installed: nothing is known of their arrays."""

from __future__ import annotations

import ast
import re
import sys
from typing import TYPE_CHECKING

from sekisho.utils import parse
from sekisho.worlds import world_names

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sekisho.inference.program import Program

__all__ = ["missing_libraries", "say_missing"]


def say_missing(program: Program) -> str:
    """Return a line that names the array libraries that could not be read; "" if there are none."""
    missing = missing_libraries(program)
    if not missing:
        return ""
    *others, last = missing
    names = f"{', '.join(others)} and {last}" if others else last
    is_, its = ("are", "their") if others else ("is", "its")
    places = [sys.executable or sys.prefix, *map(str, program.libraries.environments)]
    return (
        f"{names} {is_} imported, but not installed in {' or '.join(places)}: {its} arrays are "
        "unknown, and mistakes with them are not found. Run sekisho in the environment of the "
        "project, or set VIRTUAL_ENV to it"
    )


def missing_libraries(program: Program) -> list[str]:
    """Return the array libraries that a program cannot be run without, and that are not installed."""
    known = {world.name for world in program.worlds} | program.unread
    absent = [name for name in world_names() if name not in known]
    texts = [file.text for file in program.files.values()] if absent else []
    return [name for name in absent if any(_needs(text, name) for text in texts)]


def _needs(text: str, library: str) -> bool:
    """Return whether a module imports a library, other than in a ``try``, where it may be missing."""
    if not re.search(rf"^\s*(?:import|from)\b.*\b{re.escape(library)}\b", text, re.MULTILINE):
        return False
    try:
        tree = parse(text)
    except ValueError:  # the cells of a notebook may not parse as one text
        return False
    return any(each.partition(".")[0] == library for each in _imported(tree))


def _imported(node: ast.AST) -> Iterator[str]:
    if isinstance(node, ast.Import):
        yield from (each.name for each in node.names)
    elif isinstance(node, ast.ImportFrom) and not node.level:
        yield node.module or ""
    elif not isinstance(node, ast.Try):
        for each in ast.iter_child_nodes(node):
            yield from _imported(each)
