"""What is known of libraries before any function is read: operations, and members unique to one."""

from __future__ import annotations

import ast
import copy
from pathlib import PurePath
from typing import TYPE_CHECKING, Final, NamedTuple

from sekisho.code import DefEntry, lower_expr, without_call
from sekisho.inference.annotations import value_of_class
from sekisho.inference.decorators import find_decorators, is_fixture
from sekisho.inference.members import is_property
from sekisho.inference.program import Program, split
from sekisho.inference.value_types import OPEN, ArrayValue, Value, array, instance
from sekisho.inference.values import is_unknown
from sekisho.worlds import HOST

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sekisho.code import Expr
    from sekisho.worlds import CompilerUse, Library, OperationKind

__all__ = ["Knowledge", "Operation"]

_TYPES: Final = (str, bytes, int, float, complex, list, tuple, dict, set, frozenset, object, slice)
_OF_PYTHON: Final = frozenset(name for kind in (*_TYPES, range) for name in dir(kind))


class Operation(NamedTuple):
    """A library's function that converts or moves arrays.

    Attributes:
        world: its world.
        kind: what it does.
        shown: its name in messages.
    """

    world: str
    kind: OperationKind
    shown: str


_Namesake = tuple[str, tuple[str, DefEntry]]


class Knowledge:
    """What the code of libraries says, and what the worlds' supplements add.

    Attributes:
        operations: by function, those that convert or move arrays.
        exclusive: by the name of a member, the one world whose arrays have it.
        alone: the methods in `exclusive` with distinctive names, whose call is evidence of an
            array.
        modules: the classes whose instances call their ``forward``, and their worlds.
        applied: the classes whose ``apply`` calls their ``forward``, and their worlds.
        chains: classes of `modules` that return the result of the last module in them.
        holders: classes of `modules` that hold others.
        keepers: methods that create an attribute.
        asks: functions that test whether a value is an array, and their worlds.
        tells: functions, or modules, that accept arrays of any library since they only inspect
            them.
        only: functions that accept arrays of one world only, and that world.
        grads: the classes of arrays that require grad.
        trained: the modules of which the result requires grad.
        unfit: by a world, the host's functions that raise when they are given its arrays first.
        gives: what functions give whose stubs say less, as an annotation in their module.
        loaders: classes that iterate over batches of a dataset's items; with each its world.
        datasets: what makes a dataset, and how its items come from what it is given.
        transforms: functions that give one whose arguments are a world's arrays, with that world.
        compiles: functions that compile others from source, and what they do with what they are given.
        decorators: the project's own functions that stand as decorators.
    """

    operations: dict[str, Operation]
    exclusive: dict[str, str]
    alone: dict[str, str]

    def __init__(self, program: Program) -> None:
        self.program = program
        self.worlds: dict[str, Library] = {world.name: world for world in program.worlds}
        self.array_class: dict[str, str] = {}
        for name, (owner, is_array) in program.array_classes.items():
            if is_array:
                self.array_class.setdefault(owner, name)
        self.operations = {}
        self.modules: dict[str, str] = {}
        self.applied: dict[str, str] = {}
        self.chains: set[str] = set()
        self.holders: set[str] = set()
        self.keepers: set[str] = set()
        self.tells: set[str] = set()
        self.dtypes: dict[str, str] = {}
        self.asks: dict[str, str] = {}
        self.grads: set[str] = set()
        self.trained: set[str] = set()
        self.only: dict[str, str] = {}
        self.unfit: dict[str, set[str]] = {}
        self.gives: dict[str, Expr] = {}
        self.loaders: dict[str, str] = {}
        self.datasets: dict[str, str] = {}
        self.transforms: dict[str, str] = {}
        self.compiles: dict[str, CompilerUse] = {}
        self._namesakes: dict[tuple[str, str, bool], tuple[_Namesake, ...]] = {}
        self._arrays = {name: array(name) for name in self.worlds}
        for each in program.worlds:
            self._read(each)
        self.decorators: set[str] = set()
        self.names_of_units: dict[int, str] = {}
        self.changed_by_loops: dict[int, frozenset[str]] = {}
        self.asked_about: dict[int, frozenset[str]] = {}
        self._lines: dict[str, list[str]] = {}
        self._conftests = {
            PurePath(file.path).parent: each
            for each, file in program.files.items()
            if file.path.endswith("conftest.py")
        }
        self.fixtures: set[str] = set(self._find_fixtures())
        self.kept: dict[tuple[str, str], Value] = {}
        self.exclusive = dict(self._find_exclusive())
        self.alone = {
            member: name
            for member, name in self.exclusive.items()
            if self._tells_by_call(self.worlds[name], member)
        }

    def of(self, program: Program) -> Knowledge:
        """Return the same of a program with other texts; caches by line or node are empty."""
        new = copy.copy(self)
        new.program, new._lines = program, {}  # noqa: SLF001 - its own class
        new.names_of_units, new.changed_by_loops, new.asked_about = {}, {}, {}
        return new

    def array_of(self, world: str) -> ArrayValue:
        """Return an array of a world."""
        return self._arrays[world]

    def find_decorators(self) -> None:
        """Find the project's own decorators, once the definitions inside functions are known, too."""
        self.decorators = find_decorators(self.program)

    def is_plain(self, array: ArrayValue) -> bool:
        """Return whether an array surely behaves as its library defines: subclasses may not."""
        _, world, _, _, kind, _ = array
        if not kind:
            return True
        is_theirs = split(kind)[0].partition(".")[0] == world
        return is_theirs and self.program.member(kind, "__array_finalize__") is None

    def is_sure(self, array: ArrayValue) -> bool:
        """Return whether a value is surely an array, and behaves as its library defines."""
        _, _, is_array, *_ = array
        return is_array and self.is_plain(array)

    def is_firm(self, array: ArrayValue) -> bool:
        """Whether an array is certain to be one, or one of the library's numbers."""
        _, _, is_array, *_, state = array
        return (is_array or not state & OPEN) and self.is_plain(array)

    def may_have(self, world: str, member: str) -> bool:
        """Return whether one of the project's subclasses adds a member to a library's array class."""
        return any(
            self.program.member(each, member) is not None
            for each in self.program.subclasses(self.array_class[world])
        )

    def row_of(self, world: str) -> ArrayValue:
        """Return the result of indexing an array: an array, or in some libraries a number."""
        return array(world, is_array=not self.worlds[world].supplement.scalar)

    def lines_of(self, key: str) -> list[str]:
        """Return the lines of one of the project's modules."""
        if key not in self._lines:
            self._lines[key] = self.program.files[key].text.split("\n")
        return self._lines[key]

    def number_has(self, world: str, member: str) -> bool:
        """Whether a world's numbers have a member."""
        return any(
            self.program.member(name, member) is not None
            for name, known in self.program.array_classes.items()
            if known == (world, False)
        )

    def members(self, world: str) -> set[str]:
        """Return the names of all members of a world's arrays."""
        return self.program.members(self.array_class[world])

    def _name(self, world: Library, dotted: str) -> str:
        match self.program.dotted(world.name, dotted):
            case ("function" | "class", name):
                return name
            case ("module", key):
                return f"{key}:"
            case ("variable", key, name):
                return f"{key}:{name}"
            case _:
                return ""

    def _names(self, world: Library, dotted: frozenset[str]) -> set[str]:
        return {name for each in dotted if (name := self._name(world, each))}

    def _read(self, world: Library) -> None:
        supplement = world.supplement
        kinds: dict[OperationKind, tuple[str, ...]] = {**world.operations}
        kinds["scalar"] = (*kinds.get("scalar", ()), *sorted(supplement.numbers))
        kinds["import"] = (*kinds.get("import", ()), *sorted(supplement.takes))
        for kind in ("wait", "move", "scalar", "export", "import"):
            for dotted in kinds.get(kind, ()):
                if name := self._name(world, dotted):
                    self.operations[name] = Operation(world.name, kind, f"{world.name}.{dotted}")
        if supplement.dtype:
            self.dtypes[self._name(world, supplement.dtype)] = world.name
        if supplement.module:
            self.modules[self._name(world, supplement.module)] = world.name
        if supplement.applied:
            self.applied[self._name(world, supplement.applied)] = world.name
        self.chains |= self._names(world, supplement.chains)
        self.holders |= self._names(world, supplement.holders)
        self.keepers |= self._names(world, supplement.keepers)
        self.tells |= self._names(world, supplement.tells)
        self.asks |= dict.fromkeys(self._names(world, supplement.asks), world.name)
        self.grads |= self._names(world, supplement.grads)
        self.trained |= self._names(world, supplement.trained)
        self.unfit[world.name] = self._names(HOST, supplement.unfit)
        self.loaders |= dict.fromkeys(self._names(world, supplement.loaders), world.name)
        self.transforms |= dict.fromkeys(self._names(world, supplement.transforms), world.name)
        self.datasets |= {self._name(world, name): how for name, how in supplement.datasets.items()}
        self.compiles |= {self._name(world, name): how for name, how in supplement.compiles.items()}
        for dotted, said in supplement.gives.items():
            name = dotted if ":" in dotted else self._name(world, dotted)
            self.gives[name] = lower_expr(ast.parse(said, mode="eval").body)
        for dotted, only in supplement.only.items():
            name = self._name(world, dotted)
            # The function of another library that may not be installed.
            module, _, last = dotted.rpartition(".")
            self.only[name or f"{module}:{last}"] = only

    def may_tell(self, function: str) -> bool:
        """Return whether a function, or its module, accepts arrays of any library to inspect them."""
        if function in self.tells:
            return True
        module = split(function)[0]
        return any(
            each[:-1] == module or module.startswith(f"{each[:-1]}.")
            for each in self.tells
            if each.endswith(":")
        )

    def trains(self, cls: str) -> bool:
        """Return whether the results of a library's module require grad."""
        return not self.trained.isdisjoint(self.program.mro(cls))

    def home_of(self, function: str) -> str:
        """The world whose arrays a library's function takes: of one that is strict about the host's, the host."""
        library = split(function)[0].partition(".")[0]
        return HOST.name if library in HOST.supplement.strict else library

    def is_strict(self, function: str) -> bool:
        """Return whether a function raises if its arguments contradict its stubs."""
        module = split(function)[0]
        world, _, rest = module.partition(".")
        if world not in self.worlds:
            return world in HOST.supplement.strict
        return any(
            rest == each or rest.startswith(f"{each}.")
            for each in self.worlds[world].supplement.strict
        )

    def world_of_dtype(self, value: Value) -> str:
        """Return the world that a value is a dtype of; "" if it is not a library's dtype."""
        if value[0] == "class":
            known = self.program.world_of_class(value[1])
            return known[0] if known is not None and not known[1] else ""
        if value[0] == "union":
            found = set(map(self.world_of_dtype, value[1]))
            return found.pop() if len(found) == 1 else ""
        return self.dtypes.get(value[1], "") if value[0] == "instance" else ""

    def namesakes(self, world: str, name: str, *, is_method: bool) -> tuple[_Namesake, ...]:
        """Return the functions, or methods of arrays, that other libraries have under the same name."""
        at = (world, name, is_method)
        if at not in self._namesakes:
            self._namesakes[at] = tuple(self._find_namesakes(*at))
        return self._namesakes[at]

    def _find_namesakes(self, world: str, name: str, is_method: bool) -> Iterator[_Namesake]:  # noqa: FBT001
        for other, record in self.worlds.items():
            if other == world or world in record.supplement.welcomes:
                continue
            if is_method:
                found = self.program.member(self.array_class[other], name)
                if found is not None and found[1][0] == "def" and not is_property(found[1]):
                    yield other, (f"{found[0]}.{name}", found[1])
                continue
            inner = record.supplement.namespace
            value = self.program.dotted(other, f"{inner}.{name}" if inner else name)
            function = value[1] if value[0] == "function" else ""
            entry = self.program.entry(function)
            if entry is not None and entry[0] == "def":
                yield other, (function, entry)

    def is_method(self, world: str, name: str) -> bool | None:
        """Return whether a world's arrays have such a method; None if they have no such member."""
        found = self.program.member(self.array_class[world], name)
        if found is None:
            return None
        return found[1][0] == "def" and not is_property(found[1])

    def is_module(self, name: str) -> bool:
        """Return whether instances of a class call their ``forward``."""
        return any(each in self.modules for each in self.program.mro(name))

    def _find_exclusive(self) -> Iterator[tuple[str, str]]:
        """Yield the members that only one world's arrays have, by a set difference."""
        if len(self.worlds) < 2:  # noqa: PLR2004 - a difference needs two
            return
        own: set[str] = set()
        for key in self.program.files:
            table = self.program.table(key)
            for entry in table.names.values() if table else ():
                if entry[0] == "class":
                    own |= set(entry[2])
        for name, world in self.worlds.items():
            others = [self.members(each) for each in self.worlds if each != name]
            others += [
                self._functions_of(each) for each in self.worlds.values() if each is not world
            ]
            alike = [self._members_of(world, dotted) for dotted in world.supplement.alike]
            if not alike or None in alike:
                continue  # a class to compare with is missing, so no member is certain
            # members of Python's classes and of the project's own are no evidence either
            shared = own.union(_OF_PYTHON, *others, *(each for each in alike if each))
            for member in self.members(name) - shared:
                yield member, name

    def _tells_by_call(self, world: Library, member: str) -> bool:
        """Return whether calling a member is evidence of an array, since no other class has its name."""
        is_coined = member in world.supplement.coined or "_" in member.strip("_")
        if not is_coined or member.startswith(("_", "is_", "to_", "q_", "module_", "register_")):
            return False
        found = self.program.member(self.array_class[world.name], member)
        return found is not None and found[1][0] == "def" and not is_property(found[1])

    def _functions_of(self, world: Library) -> set[str]:
        """Return the functions in a library's namespace: ``xp.cos`` need not be a tensor's method."""
        inner = world.supplement.namespace
        module = self.program.find_module(f"{world.name}.{inner}" if inner else world.name)
        table = self.program.table(module) if module else None
        return set(table.names) if table else set()

    def _find_fixtures(self) -> Iterator[str]:
        """Yield the pytest fixtures of the project."""
        for key in self.program.files:
            table = self.program.table(key)
            for name, entry in table.names.items() if table else ():
                members = entry[2].items() if entry[0] == "class" else ()
                inside = ((f"{name}.{each}", member) for each, member in members)
                yield from (
                    f"{key}:{at}" for at, one in ((name, entry), *inside) if is_fixture(one)
                )

    def conftests(self, key: str, name: str) -> Iterator[str]:
        """Yield the fixtures of a name in the ``conftest.py`` of a module's folder and of its parents."""
        folder = PurePath(self.program.files[key].path).parent
        for above in (folder, *folder.parents):
            found = f"{self._conftests.get(above, '')}:{name}"
            if found in self.fixtures:
                yield found

    def _members_of(self, world: Library, dotted: str) -> set[str] | None:
        """Return the members of a class that shares names with arrays; empty if it is not installed."""
        found = self.program.dotted(world.name, dotted)
        if found[0] != "class":
            library, _, rest = dotted.partition(".")
            module = self.program.find_module(library)
            if not module:
                return set()
            found = self.program.dotted(module, rest)
        return self.program.members(found[1]) if found[0] == "class" else set()

    # --- sekisho's own names

    def own_name(self, key: str, expr: Expr) -> str:
        """Return the name of sekisho that an expression is: ``boundary`` for ``@sk.boundary(...)``."""
        expr = without_call(expr)
        if not isinstance(expr, str):
            return ""
        first, _, rest = expr.partition(".")
        table = self.program.table(key)
        entry = table.names.get(first) if table is not None else None
        if entry is None or entry[0] != "import" or entry[1].partition(".")[0] != "sekisho":
            return ""
        return rest if entry[2] is None else (entry[2] if not rest else "")

    def instance_of(self, name: str) -> Value:
        """Return the result of calling a class."""
        found = value_of_class(self.program, name)
        return instance(name) if is_unknown(found) else found
