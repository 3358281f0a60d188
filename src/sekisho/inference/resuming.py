"""A reading after an edit that tells other units nothing new: it reads the units whose text has changed.

The facts of a reading are a state in which nothing changes. If the names of all modules are the same,
and each unit that is read again tells what it told before, then that state is still the one. Most keys
that are pressed are of this kind, and then nothing is as long as the program is.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from sekisho.code import SourceFile, lower, parse_typed, read_file
from sekisho.inference.earlier import Read
from sekisho.inference.modules import Module
from sekisho.inference.solve import Solver
from sekisho.worlds import world_names

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sekisho.code import Cache
    from sekisho.inference.earlier import Earlier
    from sekisho.inference.frame import Unit
    from sekisho.inference.modules import Memo
    from sekisho.inference.sites import Sites
    from sekisho.inference.solve import Solution
    from sekisho.inference.units import Outcome
    from sekisho.inference.values import Value

__all__ = ["resume"]


class _Edited(NamedTuple):
    """The units of one file after an edit.

    Attributes:
        units: all of them.
        outcomes: of those that were read again.
        memo: of all, for the next reading.
    """

    units: list[Unit]
    outcomes: dict[str, Outcome]
    memo: dict[str, Memo]


def resume(
    solution: Solution, earlier: Earlier, cache: Cache, texts: Mapping[str, bytes]
) -> Solution | None:
    """Return a program after edits; None if it has to be solved again.

    Args:
        solution: the last reading.
        earlier: the same reading; it takes the new one in its place.
        cache: what is kept of libraries.
        texts: of the files that may have changed, by path.
    """
    libraries = earlier.libraries(cache)
    if libraries is not solution.program.libraries and not libraries.still(earlier.used):
        return None
    keys = {file.path: key for key, file in solution.program.files.items()}
    for path, data in texts.items():
        key = keys.get(Path(path).as_posix())
        resumed = None if key is None else _resume(solution, earlier, cache, key, path, data)
        if resumed is None:
            return None
        solution = resumed
    return solution


def _resume(
    solution: Solution, earlier: Earlier, cache: Cache, key: str, path: str, data: bytes
) -> Solution | None:
    before, file = earlier.read[key], read_file(Path(path), data)
    if file == solution.program.files[key]:
        return solution
    if not isinstance(file, SourceFile) or file.skipped:
        return None
    if any(not _names(solution, key, each) for each in _worlds_in(file) ^ _worlds_in(before)):
        return None
    try:
        tree = parse_typed(file.text)
        table = lower(tree, file.module, is_package=file.is_package)
    except (ValueError, RecursionError):
        return None
    program = solution.program.with_text(key, file, table)
    module = Module(file, table, tree)
    module.key = key
    solver = Solver(program, solution.knowledge.of(program), [module], cache, {}, None)
    solver.facts = solution.facts
    units = [unit for unit, _ in solver.parse(module)]
    if program.table(key) != solution.program.table(key):
        return None
    edited = _read(solution, solver, module, units, before)
    if edited is None:
        return None
    earlier.used = {**earlier.used, **program.libraries.used}
    earlier.read[key] = Read(file.text, before.table, edited.memo)
    at = next(at for at, unit in enumerate(solution.units) if unit.key == key)
    return solution._replace(
        program=program,
        knowledge=solver.knowledge,
        units=[*solution.units[:at], *units, *solution.units[at + len(units) :]],
        outcomes={**solution.outcomes, **edited.outcomes},
        sites=_sites(solution, edited.outcomes),
        lines=solution.lines + _count(file.text) - _count(before.text),
    )


def _read(
    solution: Solution, solver: Solver, module: Module, units: list[Unit], before: Read
) -> _Edited | None:
    """Read the units of a file whose text has changed; None if one of them tells something else."""
    old_units = [unit for unit in solution.units if unit.key == module.key]
    if len({unit.name for unit in units}) < len(units) or [*map(_as_others_see_it, units)] != [
        *map(_as_others_see_it, old_units)
    ]:
        return None
    old_lines, lines = before.text.split("\n"), module.file.text.split("\n")
    edited = _Edited(units, {}, {})
    for old, unit in zip(old_units, units, strict=True):
        start = unit.line - 1
        if unit == old and unit.line and old_lines[start : unit.end] == lines[start : unit.end]:
            edited.memo[unit.name] = before.memo.get(unit.name, [])
            continue
        asked: dict[str, Value | None] = {}
        outcome = solver.read_anew(unit, module, asked)
        if _told(outcome) != _told(solution.outcomes[unit.name]):
            return None
        edited.outcomes[unit.name] = outcome
        edited.memo[unit.name] = [(tuple(asked), tuple(asked.values()), tuple(outcome))]
    return edited


def _sites(solution: Solution, outcomes: dict[str, Outcome]) -> Sites:
    """Return the calls that pass arrays; the same object if they are the same."""
    if all(_passed(each) == _passed(solution.outcomes[name]) for name, each in outcomes.items()):
        return solution.sites
    return solution.sites.with_outcomes(outcomes)


def _passed(outcome: Outcome) -> list[tuple[Any, Any]]:
    return [(place, value) for place, value in outcome.notes.items() if place[0] == "passed"]


def _as_others_see_it(unit: Unit) -> Unit:
    return unit._replace(line=min(unit.line, 1), end=0)


def _told(outcome: Outcome) -> dict[str, Value]:
    return {fact: value for fact, (value, _) in outcome.given.items()}


def _worlds_in(file: SourceFile | Read) -> set[str]:
    """Return the worlds that a text names: a program has those that some text of it names."""
    return {name for name in world_names() if name in file.text}


def _names(solution: Solution, key: str, world: str) -> bool:
    """Whether another file names a world, too."""
    files = solution.program.files
    return any(world in file.text for other, file in files.items() if other != key)


def _count(text: str) -> int:
    return len(text.splitlines())
