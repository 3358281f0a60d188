"""A map as data: what ``--json`` writes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sekisho.inference import label

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sekisho.inference import Function, Solution

__all__ = ["to_dict"]


def to_dict(solution: Solution, functions: Sequence[Function]) -> dict[str, Any]:
    """All functions and variables, with the world of each."""
    return {
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
