"""Helpers that rules share: events of a function, findings, and the steps of their reasons."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sekisho.findings.finding import Finding
from sekisho.inference import arrays_in, events, only_world
from sekisho.worlds import HOST, world_named

if TYPE_CHECKING:
    from sekisho.inference import Function, Solution

__all__ = ["make_finding", "notes_of", "noun", "since", "title"]


def make_finding(
    function: Function, line: int, column: int, code: str, message: str, **more: Any
) -> Finding:
    """Make a finding of a function; `column` counts from 0."""
    file = function.file
    return Finding(
        file.path, file.place(line), line, column + 1, code, message, function=function.name, **more
    )


def notes_of(
    function: Function, kind: events.EventKind[events.Details]
) -> list[tuple[int, int, str, events.Details]]:
    """Return the events of one kind in order: line, column, name and details."""
    return sorted(events.events_of(function.notes, kind), key=lambda event: event[:2])


def noun(world: str) -> str:
    """Return ``a tensor`` or ``a NumPy array``."""
    record = world_named(world)
    return f"a {record.label} array" if record is HOST else record.noun


def title(world: str) -> str:
    """Return the library's name."""
    return world_named(world).label


def since(
    solution: Solution, function: Function, name: str, line: int, world: str
) -> tuple[str, ...]:
    """Return since when and why a name holds an array of a world; () if it is not a plain name."""
    if not name or "." in name:
        return ()
    before = [each for each in function.variables if each.name == name and each.line <= line]
    found = [each for each in before if only_world(each.value) == world]
    if not found:
        return ()
    last = found[-1]
    if last.line == function.line or (name in dict(function.parameters) and last == before[0]):
        return _of_parameter(solution, function, name, world)
    how = f": {last.how}" if last.how else ""
    return (
        f"{name} is {noun(world)} since line {function.file.place(last.line).rpartition(':')[2]}{how}",
    )


def _of_parameter(solution: Solution, function: Function, name: str, world: str) -> tuple[str, ...]:
    sites = solution.sites.get(f"p {function.unit.name}.{name}", ())
    calls = [(key, line) for key, line, value in sites if world in arrays_in(value)]
    if not calls:
        return (f"{name} is {noun(world)} by how it is declared or used",)
    key, line = min(calls)
    place = solution.program.files[key].place(line)
    return (f"{name} is {noun(world)} as called at {place}",)
