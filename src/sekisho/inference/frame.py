"""The state while one function, module or lambda is read: its names and events."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING, NamedTuple, Protocol

from sekisho.inference.arrays import certain_world
from sekisho.inference.events import BIND, CALL, READ, event_at
from sekisho.inference.value_types import NEVER, Key, Origin, Value
from sekisho.inference.values import (
    arrays_in,
    bounded,
    is_unknown,
    join,
    join_known,
    plain,
    unsure,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from sekisho.inference.events import Details, EventKind, Notes, Place
    from sekisho.inference.knowledge import Knowledge
    from sekisho.inference.program import Program

__all__ = [
    "Definition",
    "Evidence",
    "Frame",
    "Located",
    "Node",
    "Unit",
    "constant_key",
    "dotted_of",
    "how_of",
]

Env = dict[str, Value]

Definition = ast.FunctionDef | ast.AsyncFunctionDef
Node = ast.Module | Definition
"""What a unit is written as."""


class Located(Protocol):
    """A node with a place in the text."""

    lineno: int
    col_offset: int


Evidence = dict[Origin, str]
"""Maps the place where an unknown value was bound to the one world whose arrays are used as this
value is; "" if the uses disagree."""


class Unit(NamedTuple):
    """A function or a module, which is read as a whole.

    Attributes:
        name: ``module:qualified name``; ``module:`` is the module itself.
        key: its module.
        line: its first line; 0 for a module.
        end: its last line.
        owner: the class of a method.
        outer: the enclosing function.
        traits: the last names of its decorators.
        declared: its decorator of sekisho; "" if there is none.
        is_outer: whether functions are defined inside it.
    """

    name: str
    key: str
    line: int
    end: int = 0
    owner: str = ""
    outer: str = ""
    traits: frozenset[str] = frozenset()
    declared: str = ""
    is_outer: bool = False


class Frame:
    """The state at one point of a unit.

    Attributes:
        env: the value of each name; None after a return. ``self.x`` is here under that name while
            more is known of it than of all values ever assigned to it.
        notes: the events, by kind, line, column and name: see `note`.
        given: the values for facts of other units, each with its line.
        defined: the functions, classes and modules that names refer to anywhere in the unit.
        returned: the value that is returned.
        yielded: the value that is yielded.
        lenient: the number of open blocks that catch what operations raise.
        allowed: the number of open blocks that declare crossings.
        knows_attributes: whether `env` ever had an attribute.
        loops: for each enclosing loop, the names that it changes.
        no_grad: the number of enclosing blocks and decorators that turn gradients off.
        stale: names whose values are from an earlier turn of a loop, and were not read in this
            turn.
        asked: the names whose class the unit tests.
    """

    def __init__(
        self,
        program: Program,
        knowledge: Knowledge,
        unit: Unit,
        fact: Callable[[str], Value],
        evidence: Evidence,
    ) -> None:
        self.program = program
        self.knowledge = knowledge
        self.unit = unit
        self.key: str = unit.key
        self.fact = fact
        self.env: Env | None = {}
        self.notes: Notes = {}
        self.given: dict[str, tuple[Value, int]] = {}
        self.returned: Value = NEVER
        self.yielded: Value = NEVER
        self.evidence = evidence
        self.tested: set[Origin] = set()
        self.lenient = 0
        self.allowed = 0
        self.loops: list[frozenset[str]] = []
        self.no_grad: int = len(unit.traits & {"no_grad", "inference_mode"})
        self.stale: set[str] = set()
        self.asked: frozenset[str] = frozenset()
        self.breaks: list[list[Env]] = []
        self.continues: list[list[Env]] = []
        self.knows_attributes = False
        self.defined: dict[str, Value] = {}
        self.bound: dict[str, Place] = {}
        self.elsewhere: dict[str, str] = {}
        self.class_env: list[str] = []
        self.evaluate: Callable[[Frame, ast.expr], Value] = _not_set

    # --- names

    def bind(self, name: str, value: Value, node: Located, how: str = "") -> None:
        """Bind a name to a value from here on."""
        line, column = node.lineno, node.col_offset
        if is_unknown(value):
            # an unknown value is identified by its place, so that its uses can be collected
            origin: Origin = value if len(value) > 1 else ("?", name, line, column)
            world = self.evidence.get(origin)
            value = unsure(self.knowledge.array_of(world)) if world else origin
        assert self.env is not None
        before = self.env.get(name, NEVER)
        value = self.env[name] = bounded(value)
        if name in self.elsewhere:
            self.give(self.elsewhere[name], value, line)
        at = self.bound[name] = (BIND.name, line, column, name)
        world = "" if name in self.asked else certain_world(before)
        # nothing has read the value of the previous turn, so its world does not count
        if name in self.stale:
            self.stale.discard(name)
            earlier = event_at(self.notes, BIND, at)
            world = earlier[2] if earlier is not None else ""
        self.note(BIND, node, name, (plain(value), how, world))
        self.forget(name)

    def define(self, name: str, value: Value) -> None:
        """Bind a name to a function, a class or a module from here on."""
        assert self.env is not None
        self.env[name] = self.defined[name] = value

    def forget(self, root: str) -> None:
        """Forget what is known of a name's attributes."""
        env = self.env
        if env is not None and self.knows_attributes:
            start = f"{root}."
            for each in [each for each in env if each.startswith(start)]:
                del env[each]

    def learn(self, origin: Origin, world: str) -> None:
        """Record that an unknown value is used as only one world's arrays are."""
        is_module = self.program.find_module(origin[1], self.key)  # jax = import_module("jax")
        if self.lenient == 0 and origin not in self.tested and not is_module:
            before = self.evidence.get(origin)
            # uses of two worlds contradict each other, so neither counts
            self.evidence[origin] = world if before in {None, world} else ""

    def take_for(self, node: ast.expr, origin: Origin, world: str) -> None:
        """Bind a name to an array from here on, as its use has shown."""
        is_learnt = self.evidence.get(origin) == world and not self.lenient
        if is_learnt and isinstance(node, ast.Name) and (self.env or {}).get(node.id) == origin:
            assert self.env is not None
            self.env[node.id] = unsure(self.knowledge.array_of(world))

    def test(self, value: Value) -> None:
        """Record that the code tests the class of a value, so that its uses are no evidence."""
        if is_unknown(value) and len(value) > 1:
            self.tested.add(value)
            if value in self.evidence:
                self.evidence[value] = ""

    # --- facts for other units, and events

    def give(self, fact: str, value: Value, line: int) -> None:
        """Add a value to a fact of another unit; values from several places are joined."""
        value = plain(value)
        before = self.given.get(fact)
        if before is None:
            self.given[fact] = (value, line)
        elif before[0] != value:
            joined = join_known(before[0], value)
            # prefer the line of a call that passes an array: findings refer to it
            first = before[1] if arrays_in(before[0]) or not arrays_in(value) else line
            self.given[fact] = (joined, first)

    def note(self, kind: EventKind[Details], node: Located, name: str, what: Details) -> None:
        """Record an event. A later event of the same kind, place and name replaces it."""
        self.notes[kind.name, node.lineno, node.col_offset, name] = what

    def note_read(self, node: ast.Name, value: Value) -> None:
        """Note what a name holds where it is read, if that is an array, or holds some."""
        if arrays_in(value):  # the others are many, and a map does not show them
            self.notes[READ.name, node.lineno, node.col_offset, node.id] = plain(value)

    def note_called(self, node: ast.AST, function: str) -> None:
        """Note which function of the project a call leads to, at the last name before its parenthesis."""
        called = node.func if isinstance(node, ast.Call) else None  # an operator calls methods, too
        if isinstance(called, ast.Name):
            self.note(CALL, called, function, called.id)
        elif isinstance(called, ast.Attribute):
            # The end of an attribute is the end of its name, the start is that of the whole chain.
            column = (called.end_col_offset or 0) - len(called.attr.encode())
            line = called.end_lineno or called.lineno
            self.notes[CALL.name, line, column, function] = called.attr

    def note_again(self, name: str, value: Value) -> None:
        """Update the event of a binding when its container is filled later."""
        at = self.bound.get(name)
        event = event_at(self.notes, BIND, at) if at is not None else None
        if at is not None and event is not None:
            held, how, before = event
            self.notes[at] = (join(held, plain(value)), how, before)

    # --- branches

    def branch(self) -> Env:
        """Return a copy of `env`."""
        return dict(self.env or {})

    def merge(self, *envs: Env | None) -> None:
        """Join the states at the ends of several branches."""
        alive = [env for env in envs if env is not None]
        if not alive:
            self.env = None
            return
        first, *others = alive
        merged = dict(first)
        for env in others:
            for name, value in env.items():
                before = merged.get(name)
                if before is None:
                    # an attribute that only one branch knows falls back to the facts of its class
                    if "." not in name:
                        merged[name] = value
                elif before is not value:
                    merged[name] = join(before, value)
            for name in [each for each in merged if "." in each and each not in env]:
                del merged[name]
        self.env = merged


def _not_set(_frame: Frame, _node: ast.expr) -> Value:
    raise AssertionError


def dotted_of(node: ast.AST) -> str:
    """Return ``a.b.c`` if an expression is just that, else ""."""
    names: list[str] = []
    while isinstance(node, ast.Attribute):
        names.append(node.attr)
        node = node.value
    if not isinstance(node, ast.Name):
        return ""
    names.append(node.id)
    return ".".join(reversed(names))


def how_of(node: ast.expr) -> str:
    """Return what makes a value, in short: the called function, or the name."""
    if isinstance(node, ast.Await):
        node = node.value
    if isinstance(node, ast.Call):
        return dotted_of(node.func) or (
            f".{node.func.attr}" if isinstance(node.func, ast.Attribute) else ""
        )
    return dotted_of(node)


def constant_key(node: ast.expr) -> Key | None:
    """Return the constant that an expression in brackets is: a text or a number, negative or not."""
    match node:
        case ast.Constant(value=int() | str() as key):
            return key
        case ast.UnaryOp(operand=ast.Constant(value=int() as number)):
            return -number
        case _:
            return None
