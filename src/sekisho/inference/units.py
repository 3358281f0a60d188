"""Find the units of a module, and read one."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING, NamedTuple

from sekisho.code import lower, lower_expr, lower_signature, without_call
from sekisho.inference.annotations import read_annotation
from sekisho.inference.applied import applied_argument
from sekisho.inference.arrays import only_world, worlds_of
from sekisho.inference.axes import axis_strings
from sekisho.inference.containers import sharper, without_constants
from sekisho.inference.decorators import (
    has_own_decorator,
    is_transparent,
    passes_on,
    transparency_fact,
)
from sekisho.inference.events import ASKED, BIND, NAMED, Notes, events_of
from sekisho.inference.expressions import evaluate
from sekisho.inference.frame import Definition, Evidence, Frame, Node, Unit
from sekisho.inference.narrowing import names_asked_about
from sekisho.inference.own_calls import parameter_fact
from sekisho.inference.statements import run
from sekisho.inference.value_types import CONSTANTS, NEVER, NONE, UNKNOWN, Value, array, list_of
from sekisho.inference.values import (
    is_known,
    is_never,
    is_unknown,
    join,
    join_known,
    map_atoms,
    plain,
    unsure,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from sekisho.code import Entry, Expr, Signature
    from sekisho.inference.knowledge import Knowledge
    from sekisho.inference.program import Program

__all__ = ["Outcome", "find_units", "read_unit"]

_ACCESSORS = (".setter", ".deleter")
_READINGS = 3
"""Maximum number of readings of a unit, if its uses keep adding evidence."""


class Outcome(NamedTuple):
    """The result of reading a unit once.

    Attributes:
        given: for facts of other units: the value, and its line.
        notes: the events, by kind, line, column and name.
        parameters: the value of each parameter at the start.
        returned: the value that it returns.
    """

    given: dict[str, tuple[Value, int]]
    notes: Notes
    parameters: tuple[tuple[str, Value], ...]
    returned: Value


def find_units(
    tree: ast.Module, key: str, declares: Callable[[Expr], str]
) -> Iterator[tuple[Unit, Node, dict[str, Entry]]]:
    """Yield all units of a module, outer ones first, each with its node and its inner definitions.

    Args:
        tree: the module.
        key: its key.
        declares: returns which decorator of sekisho an expression is, or "".
    """
    inside: dict[str, Entry] = {}
    yield Unit(f"{key}:", key, 0), tree, inside
    yield from _units_of(tree.body, key, "", "", "", declares)


def _units_of(
    body: list[ast.stmt],
    key: str,
    prefix: str,
    owner: str,
    outer: str,
    declares: Callable[[Expr], str],
) -> Iterator[tuple[Unit, Node, dict[str, Entry]]]:
    for node in body:
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            name = f"{key}:{prefix}{node.name}"
            decorators = [lower_expr(each) for each in node.decorator_list]
            if any(str(each).endswith(_ACCESSORS) for each in decorators):
                name = f"{name}.setter"  # a setter must not take the place of its getter
            traits = frozenset(_last(each) for each in decorators) - {""}
            declared = next((said for each in decorators if (said := declares(each))), "")
            inner = f"{prefix}{node.name}.<locals>."
            inside: dict[str, Entry] = {}
            found = [*_units_of(node.body, key, inner, "", name, declares)]
            for each in _statements(node.body):
                if isinstance(each, (ast.FunctionDef, ast.AsyncFunctionDef)):
                    inside[f"{inner}{each.name}"] = ("def", (lower_signature(each),))
                elif isinstance(each, ast.ClassDef):
                    from_class = ast.Module([each], [])
                    inside[f"{inner}{each.name}"] = _table_of(from_class, key)[each.name]
            end = node.end_lineno or node.lineno
            unit = Unit(name, key, node.lineno, end, owner, outer, traits, declared, bool(found))
            yield unit, node, inside
            yield from found
        elif isinstance(node, ast.ClassDef):
            cls = f"{key}:{prefix}{node.name}"
            yield from _units_of(node.body, key, f"{prefix}{node.name}.", cls, outer, declares)
        else:
            for field in ("body", "orelse", "finalbody"):
                yield from _units_of(getattr(node, field, []), key, prefix, owner, outer, declares)
            for handler in (*getattr(node, "handlers", ()), *getattr(node, "cases", ())):
                yield from _units_of(handler.body, key, prefix, owner, outer, declares)


def _statements(body: list[ast.stmt]) -> Iterator[ast.stmt]:
    """Yield the statements of a function and its blocks, not those of definitions inside it."""
    for node in body:
        yield node
        if not isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            for field in ("body", "orelse", "finalbody"):
                yield from _statements(getattr(node, field, []))
            for handler in (*getattr(node, "handlers", ()), *getattr(node, "cases", ())):
                yield from _statements(handler.body)


def _table_of(tree: ast.Module, key: str) -> dict[str, Entry]:
    return lower(tree, key, is_package=False).names


def _last(decorator: Expr) -> str:
    expr = without_call(decorator)
    return expr.rpartition(".")[2] if isinstance(expr, str) else ""


def read_unit(
    program: Program,
    knowledge: Knowledge,
    unit: Unit,
    node: Node,
    fact: Callable[[str], Value],
) -> Outcome:
    """Read a unit, using `fact` for what is known of others."""
    evidence: Evidence = {}
    before: Evidence | None = None
    times = 0
    while True:
        frame = Frame(program, knowledge, unit, fact, evidence)
        frame.evaluate = evaluate
        parameters = _enter(frame, node)
        run(frame, node.body)
        times += 1
        # evidence from later uses may change how earlier lines are read
        if evidence == (before or {}) or times == _READINGS:
            break
        before = dict(evidence)
    returned = _returned(frame)
    if not isinstance(node, ast.Module):
        frame.give(f"r {unit.name}", returned, unit.line)
        if unit.name in knowledge.decorators:
            frame.give(transparency_fact(unit.name), CONSTANTS[passes_on(node)], unit.line)
        _read_by_world(frame, node, parameters)
    _tell_inner(frame, parameters)
    return Outcome(frame.given, frame.notes, tuple(parameters), returned)


def _returned(frame: Frame) -> Value:
    unit = frame.unit
    if not is_never(frame.yielded):
        is_context = unit.traits & {"contextmanager", "asynccontextmanager"}
        is_fixture = "fixture" in unit.traits
        if is_fixture:
            return frame.yielded
        return list_of(plain(frame.yielded), "context" if is_context else "iterator")
    if frame.env is not None:
        return join(frame.returned, NONE)
    return frame.returned


def _tell_inner(frame: Frame, parameters: list[tuple[str, Value]]) -> None:
    """Pass the values of names on to the functions defined inside this unit."""
    unit = frame.unit
    if unit.line and not unit.is_outer:
        return
    held = dict(parameters)
    for _, _, name, (value, _, _) in events_of(frame.notes, BIND):
        held[name] = join(held.get(name, NEVER), value)
    for name, value in frame.defined.items():
        held[name] = join(held.get(name, NEVER), value)
    start = f"e {unit.name} " if unit.line else f"g {unit.key}:"
    for name, value in held.items():
        if unit.line or value[0] not in {"function", "class", "module"}:
            frame.give(f"{start}{name}", value, unit.line)


def _read_by_world(frame: Frame, node: Definition, parameters: list[tuple[str, Value]]) -> None:
    """Compute the result for each world alone, if parameters come from several worlds."""
    worlds = {world for _, value in parameters for world in worlds_of(value)}
    if not any(len(worlds_of(value)) > 1 for _, value in parameters):
        return
    for world in sorted(worlds):
        # read the unit again as if all arguments came from one world
        again = Frame(frame.program, frame.knowledge, frame.unit, frame.fact, dict(frame.evidence))
        again.evaluate = frame.evaluate
        _enter(again, node)
        for name, value in parameters:
            if len(worlds_of(value)) > 1 and again.env is not None:
                again.env[name] = _only_of(value, world)
        run(again, node.body)
        frame.give(f"w {frame.unit.name} {world}", _returned(again), frame.unit.line)


# --- parameters


def _enter(frame: Frame, node: Node) -> list[tuple[str, Value]]:
    """Bind the parameters to their annotations, or to the recorded arguments."""
    frame.asked = names_asked_about(frame, node)
    if isinstance(node, ast.Module):
        return []
    parameters, returns, decorators, _ = _signature(frame, node)
    args = node.args
    written = [*args.posonlyargs, *args.args, args.vararg, *args.kwonlyargs, args.kwarg]
    places = {each.arg: each for each in written if each is not None}
    defaults = dict(_defaults(node))
    is_varied = _has_relatives(frame)
    is_known = is_transparent(frame, frame.key, decorators)
    is_own = not is_known and has_own_decorator(frame, decorators)
    found: list[tuple[str, Value]] = []
    for index, (name, kind, _, annotation) in enumerate(parameters):
        if index == 0 and frame.unit.owner and "staticmethod" not in frame.unit.traits:
            value = _self(frame)
        elif annotation is None and (passed := applied_argument(frame, index, defaults.get(name))):
            value = _packed(passed, kind)
        elif is_known:
            strictly = is_varied or name in frame.asked
            value = _parameter(frame, name, kind, annotation, defaults.get(name), strictly=strictly)
        elif is_own:  # a decorator whose code passes on other arguments
            value = _packed(UNKNOWN, kind)
        else:  # a decorator may pass on other arguments: only their annotations tell
            value = _packed(unsure(read_annotation(frame.program, frame.key, annotation)), kind)
        frame.bind(name, value, places[name])
        assert frame.env is not None
        found.append((name, frame.env[name]))
        if name in frame.asked:
            frame.note(ASKED, places[name], name, None)
    annotated: list[tuple[str, ast.expr | None, Expr]] = [
        (name, places[name].annotation, expr) for name, _, _, expr in parameters
    ]
    for name, place, said in (*annotated, ("return", node.returns, returns)):
        axes = axis_strings(frame.program, frame.key, said)
        if axes and place is not None:
            frame.note(NAMED, place, name, axes)
    return found


def _signature(frame: Frame, node: Definition) -> Signature:
    """Return the table's signature if it is this definition's, not another one's of the same name."""
    entry = frame.program.entry(frame.unit.name)
    if entry is not None and entry[0] == "def" and len(entry[1]) == 1:
        known: Signature = entry[1][0]
        args = node.args
        every = [*args.posonlyargs, *args.args, args.vararg, *args.kwonlyargs, args.kwarg]
        parameters, *_ = known
        if [name for name, *_ in parameters] == [each.arg for each in every if each is not None]:
            return known
    return lower_signature(node)


def _self(frame: Frame) -> Value:
    owner = frame.unit.owner
    if "classmethod" in frame.unit.traits:
        return "class", owner
    found = frame.program.world_of_class(owner)
    if found is not None:
        return array(found[0], is_array=found[1], kind=owner)
    return "instance", owner, None


def _has_relatives(frame: Frame) -> bool:
    """Return whether a method overrides or is overridden: then a call may mean any of them."""
    owner, last = frame.unit.owner, frame.unit.name.rpartition(".")[2]
    if not owner or (last.startswith("__") and last.endswith("__")):
        return False
    program = frame.program
    above = [each for each in program.mro(owner)[1:] if program.is_own(each)]
    for each in (*above, *program.subclasses(owner)):
        entry = program.entry(each)
        is_there = entry is not None and entry[0] == "class" and last in entry[2]
        if is_there and last != "forward":
            return True
    return False


def _defaults(node: Definition) -> Iterator[tuple[str, ast.expr]]:
    args = node.args
    plain_args = [*args.posonlyargs, *args.args]
    start = len(plain_args) - len(args.defaults)
    for arg, default in zip(plain_args[start:], args.defaults, strict=True):
        yield arg.arg, default
    for arg, optional in zip(args.kwonlyargs, args.kw_defaults, strict=True):
        if optional is not None:
            yield arg.arg, optional


def _parameter(
    frame: Frame,
    name: str,
    kind: str,
    annotation: Expr,
    default: ast.expr | None,
    *,
    strictly: bool,
) -> Value:
    said = read_annotation(frame.program, frame.key, annotation)
    told = parameter_fact(frame.unit.name, name)
    called = frame.fact(f"s{told[1:]}" if strictly else told)
    if not is_unknown(said):
        value = _sharper(frame, said, called)
    else:
        value = called
        if default is not None:
            value = _or_default(frame, value, evaluate(frame, default))
        if is_never(value):
            value = _fixture(frame, name)
    world = frame.unit.declared.removesuffix("_world")
    if world in frame.knowledge.worlds:  # the guard converts or rejects other arrays
        converted = frame.knowledge.array_of(world)
        value = map_atoms(value, lambda atom: converted if _is_of_another(atom, world) else atom)
    return _packed(value, kind)


def _or_default(frame: Frame, called: Value, default: Value) -> Value:
    """What a parameter is called with, or else its default."""
    value = default if is_never(called) else join_known(called, default)
    calls = join(*(frame.fact(f"{kind} {frame.unit.name}") for kind in ("c", "x")))
    is_passed = not is_never(frame.fact(f"h {frame.unit.name}"))
    if is_known(calls) and not is_passed:
        return value
    # Calls that cannot be seen may pass another of the kind; None says nothing of what that is.
    if value == NONE:
        return UNKNOWN
    return value if not is_never(called) else without_constants(unsure(default))


def _packed(value: Value, kind: str) -> Value:
    """Return the tuple of ``*args`` or the dict of ``**kwargs``, whose items have this value."""
    if kind == "*":
        return list_of(value, "tuple")
    return ("dict", value, ()) if kind == "**" else value


def _only_of(value: Value, world: str) -> Value:
    """Return a value without the arrays of other worlds."""
    return map_atoms(value, lambda atom: NEVER if _is_of_another(atom, world) else atom)


def _is_of_another(atom: Value, world: str) -> bool:
    return only_world(atom) not in {"", world}


def _sharper(frame: Frame, said: Value, called: Value) -> Value:
    """Return the annotated value, refined by the arguments: a subclass, or a container's content."""
    match said, called:
        case (("instance", base, parameter), ("instance", cls, _)):
            # The annotation is a base class of the argument's class; or it is the class itself, a
            # container, and the argument shows what it holds.
            above = frame.program.mro(cls)[0 if parameter is None else 1 :]
            return called if base in above else said
        case _:
            return sharper(said, called)


def _fixture(frame: Frame, name: str) -> Value:
    """Return what pytest passes to a test, or to a fixture, by the name of a parameter."""
    unit = frame.unit
    last = unit.name.rpartition(":")[2].rpartition(".")[2]
    if not (last.startswith("test") or "fixture" in unit.traits):
        return UNKNOWN
    for key in knowledge_of_fixtures(frame, name):
        fact = frame.fact(f"r {key}")
        return fact if not is_never(fact) else UNKNOWN
    return UNKNOWN


def knowledge_of_fixtures(frame: Frame, name: str) -> Iterator[str]:
    """Yield the functions that may be a fixture of this name: in the class, the module, a conftest."""
    unit = frame.unit
    fixtures = frame.knowledge.fixtures
    if unit.owner and f"{unit.owner}.{name}" in fixtures:
        yield f"{unit.owner}.{name}"
    if f"{unit.key}:{name}" in fixtures:
        yield f"{unit.key}:{name}"
    yield from frame.knowledge.conftests(unit.key, name)
