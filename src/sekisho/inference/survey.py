"""The result of reading, by function: the world of each, and the value of each of its names."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from sekisho.inference.annotations import read_annotation
from sekisho.inference.arrays import only_world, worlds_of
from sekisho.inference.compiling import FACTS
from sekisho.inference.events import BIND, CROSS, Notes, events_of
from sekisho.inference.frame import Unit
from sekisho.inference.labels import label
from sekisho.inference.value_types import Value
from sekisho.inference.values import arrays_in, is_unknown, join_all

if TYPE_CHECKING:
    from collections.abc import Container, Iterable, Iterator

    from sekisho.code import SourceFile
    from sekisho.inference.solve import Solution
    from sekisho.inference.units import Outcome
    from sekisho.worlds import CompilerUse

__all__ = ["Function", "Variable", "called_by", "given_to_compilers", "survey", "world_of_all"]


class Variable(NamedTuple):
    """A name, where it is bound.

    Attributes:
        line: the line of the name.
        column: the column of the name, from 0.
        name: the name.
        value: its value from there on.
        how: the call, or the name, that is assigned.
        before: the world of the array that it held before; "" if none, or unknown.
    """

    line: int
    column: int
    name: str
    value: Value
    how: str
    before: str

    @property
    def world(self) -> str:
        """The label in the map report."""
        return label(self.value)


class Function(NamedTuple):
    """A function, or the top level of a module.

    Attributes:
        file: its file.
        unit: its unit.
        name: its qualified name; "" for the top level of a module.
        world: ``numpy``, ``torch``, ..., ``boundary``, ``mixed``, ``none`` or ``unknown``.
        parameters: the value of each parameter at the start.
        returns: the value that it returns.
        variables: its names, where they are bound.
        notes: all other events.
        by_world: its result for arrays of each world, if it takes those of several.
        says: the world that it is annotated to return; "" if none.
        ready_for: the decorator that it satisfies already; "" if it has one, or none fits.
    """

    file: SourceFile
    unit: Unit
    name: str
    world: str
    parameters: tuple[tuple[str, Value], ...]
    returns: Value
    variables: tuple[Variable, ...]
    notes: Notes
    by_world: dict[str, Value]
    says: str
    ready_for: str

    @property
    def line(self) -> int:
        """The line where it begins."""
        return self.unit.line


def world_of_all(functions: Iterable[Function]) -> str:
    """Return the world of a module or a class, from the worlds of its functions."""
    worlds = {each.world for each in functions}
    known = worlds - {"none", "unknown"}
    if not known:
        return "unknown" if "unknown" in worlds else "none"
    if len(known) == 1:
        return known.pop()
    return "boundary" if "boundary" in known else "mixed"


def survey(solution: Solution, keys: Container[str] | None = None) -> Iterator[Function]:
    """Yield the functions of a program in the order of its files; with `keys`, of these modules only."""
    for unit in solution.units:
        if keys is not None and unit.key not in keys:
            continue
        outcome = solution.outcomes.get(unit.name)
        if outcome is not None:
            yield _function(solution, unit, outcome)


def called_by(solution: Solution) -> dict[str, set[str]]:
    """Return the names of the units that each unit calls with arguments."""
    return {
        name: {fact[2:].rpartition(".")[0] for fact in outcome.given if fact.startswith("p ")}
        for name, outcome in solution.outcomes.items()
    }


def given_to_compilers(solution: Solution) -> dict[CompilerUse, set[str]]:
    """Return the names of the units that the code gives to a library's compiler, by what it does with them."""
    given = {fact for outcome in solution.outcomes.values() for fact in outcome.given}
    return {
        use: {fact.removeprefix(start) for fact in given if fact.startswith(start)}
        for use, start in FACTS.items()
    }


def _function(solution: Solution, unit: Unit, outcome: Outcome) -> Function:
    variables = tuple(
        sorted(
            Variable(line, column, name, *what)
            for line, column, name, what in events_of(outcome.notes, BIND)
        )
    )
    first = 1 if unit.owner and "staticmethod" not in unit.traits else 0
    parameters = outcome.parameters
    world = _world(unit, outcome, variables)
    return Function(
        solution.program.files[unit.key],
        unit,
        unit.name.partition(":")[2].replace(".<locals>", ""),
        world,
        parameters,
        outcome.returned,
        variables,
        outcome.notes,
        _by_world(outcome),
        _says(solution, unit),
        "" if not unit.line or unit.declared else _ready_for(outcome, parameters[first:]),
    )


def _world(unit: Unit, outcome: Outcome, variables: Iterable[Variable]) -> str:
    """Return the world of a function: by its decorator, else by the arrays that it touches."""
    if unit.declared in {"boundary", "same_world"}:
        return "boundary" if unit.declared == "boundary" else "mixed"
    if unit.declared:
        return unit.declared.removesuffix("_world")
    if any(events_of(outcome.notes, CROSS)):
        return "boundary"
    values = [value for _, value in outcome.parameters]
    values += [each.value for each in variables]
    values.append(outcome.returned)
    touched = {world for value in values for world in arrays_in(value)}
    if len(touched) == 1:
        return touched.pop()
    if touched:
        return "mixed"
    return "unknown" if any(map(is_unknown, values)) else "none"


def _ready_for(outcome: Outcome, parameters: Iterable[tuple[str, Value]]) -> str:
    values = [value for _, value in parameters]
    if any(map(is_unknown, values)) or is_unknown(outcome.returned):
        return ""
    taken = [worlds for value in values if (worlds := worlds_of(value))]
    given = arrays_in(outcome.returned)
    if not taken:
        return ""
    # a function that crosses satisfies no decorator but boundary
    crosses = any(events_of(outcome.notes, CROSS))
    every = {world for worlds in taken for world in worlds}
    touched = every | set(given)
    if len(touched) == 1 and not crosses:
        return f"{touched.pop()}_world"
    if not crosses and len(every) > 1 and all(len(worlds) > 1 for worlds in taken):
        follows = all(
            worlds_of(value) == (world,)
            for world, value in _by_world(outcome).items()
            if arrays_in(value)
        )
        if follows and _by_world(outcome):
            return "same_world"
    return "boundary"


def _by_world(outcome: Outcome) -> dict[str, Value]:
    """Return the results for parameters of one world each, if the function takes several worlds."""
    found: dict[str, list[Value]] = {}
    for fact, (value, _) in outcome.given.items():
        if fact.startswith("w "):
            found.setdefault(fact.rpartition(" ")[2], []).append(value)
    return {world: join_all(values) for world, values in found.items()}


def _says(solution: Solution, unit: Unit) -> str:
    entry = solution.program.entry(unit.name) if unit.line else None
    if entry is None or entry[0] != "def":
        return ""
    *_, (_, returns, *_) = entry[1]
    return only_world(read_annotation(solution.program, unit.key, returns))
