"""Read all units of a program until their facts no longer change.

The order is fixed, and reading a unit depends only on its text, the names of the program and the
facts that it reads. So the outcome of a reading can be cached, and used whenever a unit would be
read in the same state. A second run goes through the same states as the first.
"""

from __future__ import annotations

import gc
import os
from collections.abc import Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final, NamedTuple

from sekisho.code import (
    Cache,
    Skipped,
    parse_typed,
)
from sekisho.inference.earlier import Earlier
from sekisho.inference.frame import Unit
from sekisho.inference.keeping import Keeper
from sekisho.inference.knowledge import Knowledge
from sekisho.inference.modules import Module, read_modules, units_key
from sekisho.inference.own_calls import parameter_fact
from sekisho.inference.parsing import units_of
from sekisho.inference.program import Program
from sekisho.inference.sites import Sites
from sekisho.inference.units import Outcome, read_unit
from sekisho.inference.value_types import NEVER, Value
from sekisho.inference.values import join, join_all, join_known

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterable
    from pathlib import Path

    from sekisho.code import Entry
    from sekisho.inference.frame import Node

__all__ = ["Solution", "solve"]

_MOST_READINGS: Final = 12
"""Number of readings of a unit after which its facts may only grow."""

_PATIENCE: Final = 24
"""Maximum number of readings of a unit."""

_SEEN: Final = -1  # the index of recorded arguments among those of units
Calls = Mapping[tuple[str, str], Mapping[str, Value]]
"""By real path and qualified name, the recorded values of each parameter."""


class Solution(NamedTuple):
    """The result of reading a program.

    Attributes:
        program: its names.
        knowledge: what is known of the libraries.
        units: in the order of the files.
        outcomes: by the name of a unit, its last outcome.
        facts: the values of all facts, by key.
        sites: by the fact of a parameter, the files and lines of calls that pass arrays, and the
            values.
        skipped: the files that could not be read.
        lines: the number of lines that were read.
    """

    program: Program
    knowledge: Knowledge
    units: list[Unit]
    outcomes: dict[str, Outcome]
    facts: dict[str, Value]
    sites: Sites
    skipped: list[Skipped]
    lines: int


def solve(
    paths: Iterable[str | Path],
    cache: Cache | None = None,
    calls: Calls | None = None,
    texts: Mapping[str, bytes] | None = None,
    earlier: Earlier | None = None,
) -> Solution:
    """Read all Python files and notebooks below some paths.

    Args:
        paths: files and folders.
        cache: what is kept of an earlier run.
        calls: what functions were seen to be called with, which counts beside the calls that are read.
        texts: of files that are not as they are on disk, what they would hold, by path.
        earlier: the last reading of the same program in this process; it takes this one in its place.

    Raises:
        FileNotFoundError: if a path does not exist.
    """
    cache = cache or Cache()
    paths = [*paths]
    with _without_collector():
        skipped: list[Skipped] = []
        modules = [*read_modules(paths, cache, skipped, texts or {})]
        libraries = (earlier or Earlier()).libraries(cache, paths)
        program = Program([(module.file, module.table) for module in modules], libraries)
        knowledge = Knowledge(program)
        for module, key in zip(modules, program.files, strict=True):
            module.key = key
        keeper = Keeper(cache, paths, earlier)
        return _Solver(program, knowledge, modules, cache, calls or {}, keeper).run(skipped)


@contextmanager
def _without_collector() -> Generator[None]:
    """Pause the garbage collector: there are many objects here, and no reference cycles."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


# Keys of facts: "p F.x" and "s F.x" arguments of a parameter (joined leniently, strictly); "r F" a
# result, "w F W" that for arguments of one world; "a C.x" assignments to an attribute, "o C" a
# class with open attributes; "g M:x" and "e F x" variables of a module and of an enclosing
# function; "c F" and "x F" calls with gradients on and off; "d F" whether a decorator is
# transparent; "h F" a function that is passed on; "j F" and "k F" see `compiling`.
class _Solver:
    def __init__(
        self,
        program: Program,
        knowledge: Knowledge,
        modules: list[Module],
        cache: Cache,
        calls: Calls,
        keeper: Keeper,
    ) -> None:
        self.calls = calls
        self.keeper = keeper
        self.program = program
        self.knowledge = knowledge
        self.modules = {module.key: module for module in modules}
        self.cache = cache
        self.units: list[Unit] = []
        self.facts: dict[str, Value] = {}
        self.given: dict[str, dict[int, tuple[Value, int]]] = {}
        self.readers: dict[str, set[int]] = {}
        self.outcomes: dict[int, Outcome] = {}
        self.times: dict[int, int] = {}
        self.dirty: set[int] = set()

    def run(self, skipped: list[Skipped]) -> Solution:
        for module in self.modules.values():
            self._load(module)
        self.knowledge.find_decorators()
        self.keeper.recall(self.modules, self.units, self.knowledge)
        self._tell_calls()
        self.dirty = set(range(len(self.units)))
        while self.dirty:
            # in a fixed order, so that a second run goes through the same states
            for index in sorted(self.dirty):
                if index in self.dirty:
                    self.dirty.discard(index)
                    self._read(index)
        self.keeper.keep(self.modules, self.knowledge)
        outcomes = {self.units[index].name: outcome for index, outcome in self.outcomes.items()}
        lines = sum(len(module.file.text.splitlines()) for module in self.modules.values())
        return Solution(
            self.program,
            self.knowledge,
            self.units,
            outcomes,
            self.facts,
            self._sites(),
            skipped,
            lines,
        )

    def _tell_calls(self) -> None:
        """Add recorded arguments to the facts of parameters, as if a unit of the project passed them."""
        for unit in self.units if self.calls else ():
            path = os.path.realpath(self.program.files[unit.key].path)
            seen = self.calls.get((path, unit.name.partition(":")[2]), {})
            for name, value in seen.items():
                fact = parameter_fact(unit.name, name)
                self.given[fact] = {_SEEN: (value, unit.line)}
                self._join(fact)

    def _sites(self) -> Sites:
        return Sites((self.units[index], outcome) for index, outcome in self.outcomes.items())

    # --- units

    def _load(self, module: Module) -> None:
        name = units_key(module, module.content)
        kept = self.cache.read(name)
        if kept is None:
            units = self._parse(module)
            supplement = [(*unit[:6], sorted(unit.traits), *unit[7:]) for unit, _ in units]
            inside = [(unit.name, entries) for unit, entries in units if entries]
            self.cache.write(name, (supplement, inside))
        else:
            nothing: dict[str, Entry] = {}
            units = [
                (Unit._make((*each[:6], frozenset(each[6]), *each[7:])), nothing)
                for each in kept[0]
            ]
            for _, entries in kept[1]:
                self._define(module, entries)
        self.units += [unit for unit, _ in units]
        module.table = self.program.table(module.key) or module.table

    def _parse(self, module: Module) -> list[tuple[Unit, dict[str, Entry]]]:
        """Parse a module, and find its units."""
        if module.tree is None:
            module.tree = parse_typed(module.file.text)
        found: list[tuple[Unit, dict[str, Entry]]] = []
        for unit, node, entries in units_of(module.tree, module.key, self.knowledge):
            module.nodes[unit.name] = node
            self._define(module, entries)
            found.append((unit, entries))
        return found

    def _define(self, module: Module, entries: dict[str, Entry]) -> None:
        for name, entry in entries.items():
            self.program.define(module.key, name, entry)

    # --- reading

    def _read(self, index: int) -> None:
        unit = self.units[index]
        times = self.times[index] = self.times.get(index, 0) + 1
        # give up: the facts keep the values of the last reading
        if times > _PATIENCE:
            return
        module = self.modules[unit.key]
        get = self.facts.get
        memo = module.memo.setdefault(unit.name, [])
        # reuse a reading if all facts that it read have the same values now
        for keys, answers, kept in memo:
            if tuple(map(get, keys)) == answers:
                outcome = Outcome(*kept)
                reads: Iterable[str] = keys
                break
        else:
            asked: dict[str, Value | None] = {}
            outcome = self._read_anew(unit, module, asked)
            given, notes, parameters, returned = outcome  # marshal takes plain tuples only
            memo.append((tuple(asked), tuple(asked.values()), (given, notes, parameters, returned)))
            module.kept_as = ""
            reads = asked
        for key in reads:
            self.readers.setdefault(key, set()).add(index)
        before = self.outcomes.get(index)
        self.outcomes[index] = outcome
        self._tell(
            index, before.given if before else {}, outcome.given, only_grows=times > _MOST_READINGS
        )

    def _read_anew(self, unit: Unit, module: Module, asked: dict[str, Value | None]) -> Outcome:
        """Read a unit, and record the facts that it reads."""
        get = self.facts.get

        def fact(key: str) -> Value:
            value = asked[key] = get(key)
            return NEVER if value is None else value

        if unit.name not in module.nodes:
            self._parse(module)
        # the tree is parsed only now, since cached units need none
        node = module.nodes[unit.name]
        return _read_safely(self.program, self.knowledge, unit, node, fact)

    def _tell(
        self,
        index: int,
        before: dict[str, tuple[Value, int]],
        given: dict[str, tuple[Value, int]],
        *,
        only_grows: bool,
    ) -> None:
        for key, (value, line) in given.items():
            old = before.get(key)
            if old is not None and old[0] == value:
                continue
            # a fact that may only grow settles in the end
            if only_grows and old is not None:
                value = join(old[0], value)  # noqa: PLW2901 - the value to pass on instead
            givers = self.given.setdefault(key, {})
            is_new = index not in givers
            givers[index] = (value, line)
            # A new value can be joined in. After a changed one, all have to be joined again.
            if is_new and len(givers) > 1:
                self._join_one(key, value)
            else:
                self._join(key)
        # withdraw the facts that this reading no longer gives
        if not only_grows:
            for key in before:
                if key not in given:
                    self.given[key].pop(index, None)
                    self._join(key)

    def _join(self, key: str) -> None:
        told = [value for value, _ in self.given[key].values()]
        if len(told) == 1:
            self._set(key, told[0])
            if key[0] == "p":
                self._set(f"s{key[1:]}", told[0])
            return
        value: Value = NEVER
        for each in told:
            value = join_known(value, each)
        self._set(key, value)
        if key[0] == "p":
            self._set(f"s{key[1:]}", join_all(told))

    def _join_one(self, key: str, value: Value) -> None:
        """Join one more value into a fact, without joining the earlier ones again."""
        self._set(key, join_known(self.facts.get(key, NEVER), value))
        if key[0] == "p":
            strict = f"s{key[1:]}"
            self._set(strict, join(self.facts.get(strict, NEVER), value))

    def _set(self, key: str, value: Value) -> None:
        if self.facts.get(key, NEVER) != value:
            self.facts[key] = value
            self.dirty |= self.readers.get(key, set())


def _read_safely(
    program: Program, knowledge: Knowledge, unit: Unit, node: Node, fact: Callable[[str], Value]
) -> Outcome:
    """Read a unit; if it is nested too deeply for Python's stack, its outcome is unknown."""
    try:
        return read_unit(program, knowledge, unit, node, fact)
    except RecursionError:
        return Outcome({}, {}, (), ("?",))
