"""The map report as data, for ``--json``."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any, Final

from sekisho.inference import label, world_of_all

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from sekisho.inference import Function, Solution

__all__ = ["OTHER_WORLDS", "by_class", "by_file", "count_worlds", "to_dict"]


OTHER_WORLDS: Final = ("boundary", "mixed", "none", "unknown")
"""What a function can be that is not of one library."""


def to_dict(solution: Solution, functions: Sequence[Function]) -> dict[str, Any]:
    """Return all functions and variables, with the world of each."""
    return {
        "modules": [
            {"file": path, "world": world_of_all(here)} for path, here in by_file(functions).items()
        ],
        "classes": [
            {"file": path, "name": name, "world": world_of_all(methods)}
            for path, here in by_file(functions).items()
            for name, methods in by_class(here).items()
        ],
        "functions": [_function(each) for each in functions if each.line],
        "variables": [
            {
                "file": each.file.path,
                "line": variable.line,
                "name": variable.name,
                "world": variable.world,
            }
            for each in functions
            for variable in each.variables
        ],
        "skipped": [skipped._asdict() for skipped in solution.skipped],
    }


def by_file(functions: Sequence[Function]) -> dict[str, list[Function]]:
    """Group functions by file."""
    found: dict[str, list[Function]] = {}
    for each in functions:
        found.setdefault(each.file.path, []).append(each)
    return found


def count_worlds(functions: Iterable[Function]) -> Counter[str]:
    """Count the functions of each world: the libraries in alphabetical order, then the other words."""
    worlds = [each.world for each in functions if each.line]
    return Counter(sorted(worlds, key=_order))


def _order(world: str) -> tuple[bool, str]:
    return world in OTHER_WORLDS, world


def by_class(functions: Sequence[Function]) -> dict[str, list[Function]]:
    """Group methods by class."""
    found: dict[str, list[Function]] = {}
    for each in functions:
        if each.unit.owner:
            name = each.unit.owner.partition(":")[2].replace(".<locals>", "")
            found.setdefault(name, []).append(each)
    return found


def _function(function: Function) -> dict[str, Any]:
    return {
        "file": function.file.path,
        "line": function.line,
        "name": function.name,
        "world": function.world,
        "parameters": {name: label(value) for name, value in function.parameters},
        "returns": label(function.returns),
        "declared": function.unit.declared or None,
        "ready_for": function.ready_for or None,
    }
