"""Narrow names by tests: ``isinstance(x, T)``, ``x is None``, ``is_torch(x)``."""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING, Final

from sekisho.inference.annotations import value_of_class
from sekisho.inference.arrays import only_world
from sekisho.inference.containers import doubtful
from sekisho.inference.frame import Frame, Node, dotted_of
from sekisho.inference.value_types import NEVER, NONE, UNKNOWN, Value
from sekisho.inference.values import atoms, is_never, is_unknown, join, map_atoms

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

__all__ = ["names_asked_about", "narrow"]

_ASKING: Final = frozenset({"hasattr", "getattr", "type", "callable"})
_TELLING: Final = frozenset(
    {
        *_ASKING,
        "isinstance",
        "isscalar",
        "is_numeric",
        "is_tensor",
        "is_numpy",
        "is_torch",
        "is_jax",
    }
)
_MAY_ASK: Final = re.compile("|".join([*sorted(_TELLING), "AttributeError", "TypeError"]))


def narrow(frame: Frame, test: ast.expr, *, is_true: bool) -> None:
    """Narrow the values of names to those for which a test is true, or false."""
    if frame.env is None:
        return
    if isinstance(test, ast.UnaryOp) and isinstance(test.op, ast.Not):
        narrow(frame, test.operand, is_true=not is_true)
    elif isinstance(test, ast.BoolOp):
        # a true `and`, or a false `or`, decides all its operands; otherwise it is unknown which
        if isinstance(test.op, ast.And) == is_true:
            for each in test.values:
                narrow(frame, each, is_true=is_true)
        else:
            for each in test.values:
                _mark(frame, each)
    elif isinstance(test, ast.Compare) and len(test.ops) == 1:
        _narrow_comparison(frame, test, is_true=is_true)
    elif isinstance(test, ast.Call):
        _narrow_call(frame, test, is_true=is_true)
    elif dotted_of(test) and is_true:
        _refine(frame, test, lambda atom: atom != NONE)


def _narrow_comparison(frame: Frame, test: ast.Compare, *, is_true: bool) -> None:
    op, right = test.ops[0], test.comparators[0]
    if not isinstance(op, (ast.Is, ast.IsNot, ast.Eq, ast.NotEq)):
        return
    holds = isinstance(op, (ast.Is, ast.Eq)) == is_true
    if isinstance(right, ast.Constant) and right.value is None:
        if holds:
            _refine(frame, test.left, lambda atom: atom == NONE, NONE)
        else:
            _refine(frame, test.left, lambda atom: atom != NONE)
    elif isinstance(test.left, ast.Call) and dotted_of(test.left.func) == "type" and test.left.args:
        wanted = _wanted(frame, right)
        if holds and wanted is not None:
            _select(frame, test.left.args[0], wanted, is_true=True)
        _mark(frame, test.left)


def _narrow_call(frame: Frame, test: ast.Call, *, is_true: bool) -> None:
    if not test.args:
        return
    name = dotted_of(test.func)
    subject = test.args[0]
    if name == "isinstance" and len(test.args) > 1:
        wanted = _wanted(frame, test.args[1])
        if wanted is not None:
            _select(frame, subject, wanted, is_true=is_true)
        else:
            _mark(frame, test)
            if is_true and dotted_of(subject):
                _put(frame, subject, UNKNOWN)
        return
    world = _asked_world(frame, test.func)
    if world:
        _select(frame, subject, frame.knowledge.array_of(world), is_true=is_true)
    elif name in _ASKING:
        _mark(frame, test)
        if name == "hasattr" and is_true and len(test.args) > 1:
            _has(frame, subject, test.args[1])


def _has(frame: Frame, subject: ast.expr, attribute: ast.expr) -> None:
    """Handle a true ``hasattr``: a value with an attribute that its class lacks is something else."""
    world = only_world(frame.evaluate(frame, subject)) if dotted_of(subject) else ""
    named = attribute.value if isinstance(attribute, ast.Constant) else None
    if world and named not in frame.knowledge.members(world):
        _put(frame, subject, UNKNOWN)


def _asked_world(frame: Frame, function: ast.expr) -> str:
    """Return the world whose arrays a function tests for; "" if it is not such a function."""
    name = dotted_of(function)
    own = frame.knowledge.own_name(frame.key, name)
    if own.startswith("is_") and own[3:] in frame.knowledge.worlds:
        return own[3:]
    found = frame.evaluate(frame, function) if name else UNKNOWN
    return frame.knowledge.asks.get(found[1], "") if found[0] == "function" else ""


def _wanted(frame: Frame, written: ast.expr) -> Value | None:
    """Return instances of the classes passed to ``isinstance``; None if they are unknown."""
    if isinstance(written, ast.BinOp):
        parts = [written.left, written.right]
    else:
        parts = written.elts if isinstance(written, ast.Tuple) else [written]
    result: Value = NEVER
    for each in parts:
        found = frame.evaluate(frame, each)
        if isinstance(each, ast.Constant) and each.value is None:
            value: Value = NONE
        elif found[0] == "class":
            value = value_of_class(frame.program, found[1])
        else:
            return None
        if is_unknown(value):
            return None
        result = join(result, value)
    return result


def _select(frame: Frame, subject: ast.expr, wanted: Value, *, is_true: bool) -> None:
    classes = atoms(wanted)

    def is_one(atom: Value) -> bool:
        return any(_is_a(frame, atom, each) for each in classes)

    if is_true:
        _refine(frame, subject, is_one, wanted)
    else:
        _refine(frame, subject, lambda atom: not is_one(atom))


def _is_a(frame: Frame, atom: Value, wanted: Value) -> bool:
    match atom, wanted:
        case (("array", world, _, _, kind, _), ("array", wanted_world, _, _, wanted_kind, _)):
            return world == wanted_world and wanted_kind in {"", kind}
        case (("instance", cls, _), ("instance", wanted_cls, _)):
            return wanted_cls == "builtins:object" or wanted_cls in frame.program.mro(cls)
        case (("list", kind, _), ("list", wanted_kind, _)):
            return wanted_kind in {kind, "sequence"} or kind == "sequence"
        case (("tuple", _), ("list", wanted_kind, _)):
            return wanted_kind in {"tuple", "sequence"}
        case _:
            return atom[0] == wanted[0]


def _refine(
    frame: Frame, subject: ast.expr, keeps: Callable[[Value], bool], instead: Value | None = None
) -> None:
    """Keep some alternatives of a name; for an unknown name, use `instead`."""
    if isinstance(subject, ast.NamedExpr):
        subject = subject.target
    name = dotted_of(subject)
    if not name or name.count(".") > 1:
        return
    value = frame.evaluate(frame, subject)
    if is_unknown(value):
        if instead is not None:
            frame.test(value)
            _put(frame, subject, instead)
        return
    kept = map_atoms(value, lambda atom: atom if keeps(atom) else NEVER)
    if is_never(kept):  # it may be something else than what is known of it
        kept = doubtful(value) if instead is None else instead
    _put(frame, subject, kept)


def _put(frame: Frame, subject: ast.expr, value: Value) -> None:
    name = dotted_of(subject)
    if name and frame.env is not None:
        frame.env[name] = value
        frame.knows_attributes = frame.knows_attributes or "." in name


def _mark(frame: Frame, test: ast.expr) -> None:
    """Record that a test inspects a value, so that its uses are no evidence of its class."""
    for call in ast.walk(test):
        if not isinstance(call, ast.Call) or dotted_of(call.func) not in {"isinstance", *_ASKING}:
            continue
        for each in call.args[:1]:
            # only unknown values collect evidence
            value = (frame.env or {}).get(dotted_of(each))
            if value is not None and is_unknown(value):
                frame.test(value)


def names_asked_about(frame: Frame, node: Node) -> frozenset[str]:
    """Return the names whose class a unit tests: it expects more than its known callers pass."""
    kept = frame.knowledge.asked_about
    if id(node) not in kept:
        lines = frame.knowledge.lines_of(frame.key)
        if not isinstance(node, ast.Module):
            lines = lines[node.lineno - 1 : node.end_lineno]
        text = "\n".join(lines)
        asks = _MAY_ASK.search(text) is not None  # a cheap search, which saves the walk
        kept[id(node)] = frozenset(_asked_about(node)) if asks else frozenset()
    return kept[id(node)]


def _inside(node: ast.AST) -> Iterator[ast.AST]:
    """Yield the nodes of a function; for a module, those outside of functions and classes."""
    if not isinstance(node, ast.Module):
        yield from ast.walk(node)
        return
    for each in node.body:
        if not isinstance(each, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            yield from ast.walk(each)


def _asked_about(node: ast.AST) -> Iterator[str]:
    for each in _inside(node):
        if isinstance(each, ast.Call) and each.args:
            if dotted_of(each.func).rpartition(".")[2] in _TELLING:
                yield dotted_of(each.args[0])
        elif isinstance(each, ast.Try) and any(map(_catches_mistakes, each.handlers)):
            for inner in each.body:
                yield from (name.id for name in ast.walk(inner) if isinstance(name, ast.Name))


def _catches_mistakes(handler: ast.ExceptHandler) -> bool:
    """Return whether a handler tries out whether a value supports an operation."""
    kinds = handler.type.elts if isinstance(handler.type, ast.Tuple) else [handler.type]
    names = {dotted_of(each) for each in kinds if each is not None}
    return bool(names & {"AttributeError", "TypeError"})
