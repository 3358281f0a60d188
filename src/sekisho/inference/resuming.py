"""A reading after an edit that tells other units nothing new: it reads the units whose text has changed.

The facts of a reading are a state in which nothing changes. If the names of all modules are the same,
and each unit that is read again tells what it told before, then that state is still the one. Most keys
that are pressed are of this kind, and then nothing is as long as the program is.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from sekisho.code import SourceFile, lower, parse_typed, read_file
from sekisho.inference.events import PASSED, events_of
from sekisho.inference.parsing import units_of
from sekisho.inference.units import read_unit
from sekisho.inference.value_types import NEVER
from sekisho.worlds import world_names

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sekisho.code import Cache
    from sekisho.inference.earlier import Earlier
    from sekisho.inference.frame import Node, Unit
    from sekisho.inference.knowledge import Knowledge
    from sekisho.inference.sites import Sites
    from sekisho.inference.solve import Solution
    from sekisho.inference.units import Outcome
    from sekisho.inference.value_types import Value

__all__ = ["resume"]


class _Edited(NamedTuple):
    """The units of one file after an edit.

    Attributes:
        units: all of them.
        outcomes: of those that were read again.
    """

    units: list[Unit]
    outcomes: dict[str, Outcome]


def resume(
    solution: Solution, earlier: Earlier, cache: Cache, texts: Mapping[str, bytes]
) -> Solution | None:
    """Return a program after edits; None if it has to be solved again.

    Args:
        solution: the last reading.
        earlier: the last one that was solved, with the libraries that it has used.
        cache: what is kept of libraries.
        texts: of the files that may have changed, by path.
    """
    paths = (file.path for file in solution.program.files.values())
    libraries, before = earlier.libraries(cache, paths), solution.program.libraries
    if libraries is not before and not all(map(libraries.still, (earlier.used, before.used))):
        return None
    keys = {file.path: key for key, file in solution.program.files.items()}
    for path, data in texts.items():
        key = keys.get(Path(path).as_posix())
        file = read_file(Path(path), data)
        if key is None or not isinstance(file, SourceFile) or file.skipped:
            return None
        resumed = _resume(solution, key, file)
        if resumed is None:
            return None
        solution = resumed
    return solution


def _resume(solution: Solution, key: str, file: SourceFile) -> Solution | None:
    before = solution.program.files[key]
    if file == before:
        return solution
    if any(not _names(solution, key, each) for each in _worlds_in(file) ^ _worlds_in(before)):
        return None
    try:
        tree = parse_typed(file.text)
        table = lower(tree, file.module, is_package=file.is_package)
    except (ValueError, RecursionError):
        return None
    program = solution.program.with_text(key, file, table)
    knowledge = solution.knowledge.of(program)
    found: list[tuple[Unit, Node]] = []
    for unit, node, entries in units_of(tree, key, knowledge):
        found.append((unit, node))
        for name, entry in entries.items():
            program.define(key, name, entry)
    if program.table(key) != solution.program.table(key):
        return None
    edited = _read(solution, before, knowledge, found)
    if edited is None:
        return None
    at = next(at for at, unit in enumerate(solution.units) if unit.key == key)
    return solution._replace(
        program=program,
        knowledge=knowledge,
        units=[*solution.units[:at], *edited.units, *solution.units[at + len(found) :]],
        outcomes={**solution.outcomes, **edited.outcomes},
        sites=_sites(solution, edited.outcomes),
        lines=solution.lines + _count(file.text) - _count(before.text),
    )


def _read(
    solution: Solution, before: SourceFile, knowledge: Knowledge, found: list[tuple[Unit, Node]]
) -> _Edited | None:
    """Read the units of a file whose text has changed; None if one of them tells something else."""
    units = [unit for unit, _ in found]
    key, program = units[0].key, knowledge.program
    old_units = [unit for unit in solution.units if unit.key == key]
    if len({unit.name for unit in units}) < len(units) or [*map(_as_others_see_it, units)] != [
        *map(_as_others_see_it, old_units)
    ]:
        return None
    old_lines, lines = before.text.split("\n"), knowledge.lines_of(key)
    edited = _Edited(units, {})
    for old, (unit, node) in zip(old_units, found, strict=True):
        start = unit.line - 1
        if unit == old and unit.line and old_lines[start : unit.end] == lines[start : unit.end]:
            continue
        try:
            outcome = read_unit(
                program, knowledge, unit, node, lambda fact: solution.facts.get(fact, NEVER)
            )
        except RecursionError:
            return None
        if _told(outcome) != _told(solution.outcomes[unit.name]):
            return None
        edited.outcomes[unit.name] = outcome
    return edited


def _sites(solution: Solution, outcomes: dict[str, Outcome]) -> Sites:
    """Return the calls that pass arrays; the same object if they are the same."""
    if all(_passed(each) == _passed(solution.outcomes[name]) for name, each in outcomes.items()):
        return solution.sites
    return solution.sites.with_outcomes(outcomes)


def _passed(outcome: Outcome) -> list[tuple[int, int, str, Value]]:
    return [*events_of(outcome.notes, PASSED)]


def _as_others_see_it(unit: Unit) -> Unit:
    return unit._replace(line=min(unit.line, 1), end=0)


def _told(outcome: Outcome) -> dict[str, Value]:
    return {fact: value for fact, (value, _) in outcome.given.items()}


def _worlds_in(file: SourceFile) -> set[str]:
    """Return the worlds that a text names: a program has those that some text of it names."""
    return {name for name in world_names() if name in file.text}


def _names(solution: Solution, key: str, world: str) -> bool:
    """Whether another file names a world, too."""
    files = solution.program.files
    return any(world in file.text for other, file in files.items() if other != key)


def _count(text: str) -> int:
    return len(text.splitlines())
