"""One function, module or lambda while it is read: what its names hold, and what is noted on the way."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING, Any, NamedTuple

from sekisho.inference.values import (
    NEVER,
    Value,
    arrays_in,
    bounded,
    certain_world,
    is_unknown,
    join,
    join_known,
    plain,
    unsure,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from sekisho.inference.knowledge import Knowledge
    from sekisho.inference.program import Program

__all__ = ["Evidence", "Frame", "Unit", "dotted_of", "how_of"]

Env = dict[str, Value]

Evidence = dict[tuple[Any, ...], str]
"""By where a value was bound that nothing is known of, the world whose arrays alone are used like it;
"" if that cannot be said."""


class Unit(NamedTuple):
    """What is read as a whole.

    Attributes:
        name: ``module:qualified name``; ``module:`` is the module itself.
        key: its module.
        line: where it begins; 0 for a module.
        end: its last line.
        owner: the class that a method is written in.
        outer: the function that this one is written in.
        traits: the last names of its decorators.
        declared: sekisho's decorator above it, if there is one.
        is_outer: whether functions are written in it.
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
    """What is known at one point of a unit.

    Attributes:
        env: what each name holds; None behind a return. ``self.x`` stands here under that name while
            it is known better than by all that is ever assigned to it.
        notes: what was seen, by kind, line, column and name: see `notes`.
        given: what other units are told, by the key of a fact, with the line of it.
        defined: the functions, classes and modules that names stand for anywhere in it.
        returns: what is returned, and what is yielded.
        lenient: how many blocks are open that catch what operations raise.
        allowed: how many blocks are open in which crossings are declared.
        knows_attributes: whether anything ever stood in `env` of an attribute.
        loops: of each loop around, the names that it changes.
        no_grad: how many blocks, or decorators, around turn gradients off.
        stale: the names whose values are of an earlier turn of a loop, and were not read in this one.
        asked: the names of which the unit asks what they are.
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
        self.notes: dict[tuple[Any, ...], Any] = {}
        self.given: dict[str, tuple[Value, int]] = {}
        self.returned: Value = NEVER
        self.yielded: Value = NEVER
        self.evidence = evidence
        self.tested: set[tuple[Any, ...]] = set()
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
        self.bound: dict[str, tuple[Any, ...]] = {}
        self.elsewhere: dict[str, str] = {}
        self.class_env: list[str] = []
        self.evaluate: Callable[[Frame, ast.expr], Value] = _not_set

    # --- names

    def bind(self, name: str, value: Value, node: Any, how: str = "") -> None:
        """Let a name hold a value from here on."""
        line, column = node.lineno, node.col_offset
        if is_unknown(value):
            origin: Value = value if len(value) > 1 else ("?", name, line, column)
            world = self.evidence.get(origin)
            value = unsure(self.knowledge.array_of(world)) if world else origin
        assert self.env is not None
        before = self.env.get(name, NEVER)
        value = self.env[name] = bounded(value)
        if name in self.elsewhere:
            self.give(self.elsewhere[name], value, line)
        at = self.bound[name] = ("bind", line, column, name)
        world = "" if name in self.asked else certain_world(before)
        if name in self.stale:  # nobody can see what it held
            self.stale.discard(name)
            world = self.notes.get(at, ("", "", ""))[2]
        self.note("bind", node, name, (plain(value), how, world))
        self.forget(name)

    def define(self, name: str, value: Value) -> None:
        """Let a name stand for a function, a class or a module from here on."""
        assert self.env is not None
        self.env[name] = self.defined[name] = value

    def forget(self, root: str) -> None:
        """What is known of a name's attributes holds no longer."""
        env = self.env
        if env is not None and self.knows_attributes:
            start = f"{root}."
            for each in [each for each in env if each.startswith(start)]:
                del env[each]

    def learn(self, origin: Value, world: str) -> None:
        """Note that a value is used as only a world's arrays are."""
        is_module = self.program.find_module(origin[1], self.key)  # jax = import_module("jax")
        if self.lenient == 0 and origin not in self.tested and not is_module:
            before = self.evidence.get(origin)
            self.evidence[origin] = world if before in {None, world} else ""

    def take_for(self, node: ast.expr, origin: Value, world: str) -> None:
        """Let a name hold an array from here on, as what was learnt of it says."""
        is_learnt = self.evidence.get(origin) == world and not self.lenient
        if is_learnt and isinstance(node, ast.Name) and (self.env or {}).get(node.id) == origin:
            assert self.env is not None
            self.env[node.id] = unsure(self.knowledge.array_of(world))

    def test(self, value: Value) -> None:
        """Note that the program itself asks what a value is: how it is used tells nothing then."""
        for atom in (value,) if len(value) > 1 and value[0] == "?" else ():
            self.tested.add(atom)
            if atom in self.evidence:
                self.evidence[atom] = ""

    # --- what others are told, and whoever reads the outcome

    def give(self, fact: str, value: Value, line: int) -> None:
        """Tell other units; what several places give is joined."""
        value = plain(value)
        before = self.given.get(fact)
        if before is None:
            self.given[fact] = (value, line)
        elif before[0] != value:
            joined = join_known(before[0], value)
            first = before[1] if arrays_in(before[0]) or not arrays_in(value) else line
            self.given[fact] = (joined, first)

    def note(self, kind: str, node: Any, name: str, what: Any) -> None:
        """Note what was seen; the last word on a place is the one that counts."""
        self.notes[kind, node.lineno, node.col_offset, name] = what

    def note_read(self, node: ast.Name, value: Value) -> None:
        """Note what a name holds where it is read, if that is an array, or holds some."""
        if arrays_in(value):  # the others are many, and a map does not show them
            self.notes["read", node.lineno, node.col_offset, node.id] = plain(value)

    def note_called(self, node: ast.AST, function: str) -> None:
        """Note which function of the project a call leads to, at the last name before its parenthesis."""
        called = node.func if isinstance(node, ast.Call) else None  # an operator calls methods, too
        if isinstance(called, ast.Name):
            self.note("call", called, function, called.id)
        elif isinstance(called, ast.Attribute):
            # The end of an attribute is the end of its name, the start is that of the whole chain.
            column = (called.end_col_offset or 0) - len(called.attr.encode())
            self.notes["call", called.end_lineno, column, function] = called.attr

    def note_again(self, name: str, value: Value) -> None:
        """A container that is filled later holds, where it is bound, what it is filled with."""
        at = self.bound.get(name)
        if at is not None:
            held, *more = self.notes[at]
            self.notes[at] = (join(held, plain(value)), *more)

    # --- branches

    def branch(self) -> Env:
        """A copy of what the names hold."""
        return dict(self.env or {})

    def merge(self, *envs: Env | None) -> None:
        """Go on with what one of several branches has left."""
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
    """``a.b.c`` if an expression is just that, else ""."""
    names: list[str] = []
    while isinstance(node, ast.Attribute):
        names.append(node.attr)
        node = node.value
    if not isinstance(node, ast.Name):
        return ""
    names.append(node.id)
    return ".".join(reversed(names))


def how_of(node: ast.expr) -> str:
    """What makes a value, in short: the call, or the name, that is written."""
    if isinstance(node, ast.Await):
        node = node.value
    if isinstance(node, ast.Call):
        return dotted_of(node.func) or (
            f".{node.func.attr}" if isinstance(node.func, ast.Attribute) else ""
        )
    return dotted_of(node)
