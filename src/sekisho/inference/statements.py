"""Apply statements to the names of a frame."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING, Any, Final

from sekisho.code import lower_expr
from sekisho.inference.annotations import read_annotation
from sekisho.inference.arrays import certain_world
from sekisho.inference.compiling import note_decorated
from sekisho.inference.containers import sharper
from sekisho.inference.events import DECLARED, MIX, RETURN
from sekisho.inference.expressions import evaluate
from sekisho.inference.frame import Frame, dotted_of, how_of
from sekisho.inference.iterating import iterated
from sekisho.inference.members import find_method, symbol
from sekisho.inference.narrowing import narrow
from sekisho.inference.operators import SIGNS, combine
from sekisho.inference.program import split
from sekisho.inference.targets import store
from sekisho.inference.value_types import NEVER, NONE, UNKNOWN, Value, list_of
from sekisho.inference.values import arrays_in, is_never, is_unknown, join, plain

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from sekisho.inference.frame import Env

__all__ = ["run"]

_ROUNDS: Final = 4
"""Maximum number of readings of a loop's body, if its names do not settle before."""

_CATCH_ALL: Final = frozenset(
    {"", "Exception", "BaseException", "AttributeError", "TypeError", "RuntimeError", "ValueError"}
)


def run(frame: Frame, body: Sequence[ast.stmt]) -> None:
    """Read statements in order, until a return, raise, break or continue."""
    for node in body:
        if frame.env is None:
            return
        handler = _HANDLERS.get(type(node))
        if handler is not None:
            handler(frame, node)


# --- names


def _assign(frame: Frame, node: ast.Assign) -> None:
    value = evaluate(frame, node.value)
    how = how_of(node.value) if arrays_in(value) else ""
    for target in node.targets:
        store(frame, target, value, node, how)


def _ann_assign(frame: Frame, node: ast.AnnAssign) -> None:
    value = evaluate(frame, node.value) if node.value is not None else NEVER
    said = read_annotation(frame.program, frame.key, lower_expr(node.annotation))
    if node.value is None:
        return
    known = sharper(said, value) if not is_unknown(said) else value
    if arrays_in(said) and arrays_in(value):
        frame.note(DECLARED, node, dotted_of(node.target), (said, plain(value)))
    store(frame, node.target, known, node, how_of(node.value))


def _aug_assign(frame: Frame, node: ast.AugAssign) -> None:
    target = node.target
    before = evaluate(frame, target)
    given = evaluate(frame, node.value)
    value = combine(frame, node, node.op, before, given)
    if (MIX.name, node.lineno, node.col_offset, SIGNS.get(type(node.op))) in frame.notes:
        return  # the operator raises, so there is no assignment
    if is_unknown(given) and certain_world(before):
        value = before  # an augmented assignment changes an array in place
    if before[0] == "list" and isinstance(node.op, ast.Add):
        _, kind, item = before
        value = list_of(join(item, iterated(frame, given)), kind)
    store(frame, target, value, node, "")


def _delete(frame: Frame, node: ast.Delete) -> None:
    for target in node.targets:
        if frame.env is not None and isinstance(target, ast.Name):
            frame.env.pop(target.id, None)


def _global(frame: Frame, node: ast.Global) -> None:
    frame.elsewhere |= {name: f"g {frame.key}:{name}" for name in node.names}


def _nonlocal(frame: Frame, node: ast.Nonlocal) -> None:
    frame.elsewhere |= {name: f"e {frame.unit.outer} {name}" for name in node.names}


def _expr(frame: Frame, node: ast.Expr) -> None:
    evaluate(frame, node.value)


# --- definitions


def _function(frame: Frame, node: ast.FunctionDef | ast.AsyncFunctionDef) -> None:
    for decorator in node.decorator_list:
        evaluate(frame, decorator)
    note_decorated(frame, node)
    for default in (*node.args.defaults, *node.args.kw_defaults):
        if default is not None:
            evaluate(frame, default)
    name = frame.knowledge.names_of_units.get(id(node))
    if name is not None and not frame.class_env and frame.env is not None:
        frame.define(node.name, ("function", name))


def _class(frame: Frame, node: ast.ClassDef) -> None:
    name = frame.knowledge.names_of_units.get(id(node))
    if name is None:
        return
    note_decorated(frame, node)
    before = frame.env
    frame.env = frame.branch()
    outside = set(frame.env)
    frame.class_env.append(name)
    run(frame, node.body)
    frame.class_env.pop()
    held = frame.env or {}
    for each, value in held.items():
        if each not in outside or (before or {}).get(each) is not value:
            frame.give(f"a {name}.{each}", value, node.lineno)
    frame.env = before
    if before is not None:
        frame.define(node.name, ("class", name))


# --- branches


def _if(frame: Frame, node: ast.If) -> None:
    evaluate(frame, node.test)
    before = frame.branch()
    narrow(frame, node.test, is_true=True)
    run(frame, node.body)
    after = frame.env
    frame.env = before
    narrow(frame, node.test, is_true=False)
    run(frame, node.orelse)
    frame.merge(after, frame.env)


def _match(frame: Frame, node: ast.Match) -> None:
    evaluate(frame, node.subject)
    before = frame.branch()
    ends: list[Env | None] = [dict(before)]
    for case in node.cases:
        frame.env = dict(before)
        for each in ast.walk(case.pattern):
            name = getattr(each, "name", None) or getattr(each, "rest", None)
            if isinstance(name, str) and isinstance(each, ast.pattern):
                frame.bind(name, UNKNOWN, each)
        if case.guard is not None:
            evaluate(frame, case.guard)
        run(frame, case.body)
        ends.append(frame.env)
    frame.merge(*ends)


def _for(frame: Frame, node: ast.For | ast.AsyncFor) -> None:
    source = evaluate(frame, node.iter)
    item = iterated(frame, source)

    def begin() -> None:
        store(frame, node.target, item, node.target, how_of(node.iter))

    _loop(frame, node, begin)


def _while(frame: Frame, node: ast.While) -> None:
    def begin() -> None:
        evaluate(frame, node.test)
        narrow(frame, node.test, is_true=True)

    _loop(frame, node, begin)


def _loop(
    frame: Frame, node: ast.For | ast.AsyncFor | ast.While, begin: Callable[[], None]
) -> None:
    frame.loops.append(_changed(frame, node))
    ends: list[Env | None] = []
    start = frame.env
    for turn in range(_ROUNDS):
        frame.stale |= frame.loops[-1] if turn else set()
        frame.breaks.append([])
        frame.continues.append([])
        frame.env = dict(start or {})
        begin()
        run(frame, node.body)
        ends = [*frame.breaks.pop()]
        frame.merge(start, frame.env, *frame.continues.pop())
        if frame.env == start:
            break
        start = frame.env
    frame.stale -= frame.loops.pop()
    frame.env = start
    if isinstance(node, ast.While) and isinstance(node.test, ast.Constant) and node.test.value:
        frame.merge(*ends)  # only a break ends it
        return
    run(frame, node.orelse)
    frame.merge(frame.env, *ends)


def _break(frame: Frame, _node: ast.Break) -> None:
    if frame.breaks and frame.env is not None:
        frame.breaks[-1].append(frame.env)
    frame.env = None


def _continue(frame: Frame, _node: ast.Continue) -> None:
    if frame.continues and frame.env is not None:
        frame.continues[-1].append(frame.env)
    frame.env = None


def _changed(frame: Frame, node: ast.AST) -> frozenset[str]:
    """Return the names that a loop binds, or whose values it writes to."""
    kept = frame.knowledge.changed_by_loops
    if id(node) not in kept:
        kept[id(node)] = _find_changed(node)
    return kept[id(node)]


def _find_changed(node: ast.AST) -> frozenset[str]:
    found: set[str] = set()
    for each in ast.walk(node):
        if isinstance(each, (ast.Name, ast.Attribute)) and isinstance(
            each.ctx, (ast.Store, ast.Del)
        ):
            found.add(dotted_of(each))
        elif isinstance(each, ast.Subscript) and isinstance(each.ctx, (ast.Store, ast.Del)):
            found.add(dotted_of(each.value))
        elif isinstance(each, ast.Call):
            if isinstance(each.func, ast.Attribute) and each.func.attr.endswith("_"):
                found.add(dotted_of(each.func.value))
            found |= {dotted_of(word.value) for word in each.keywords if word.arg == "out"}
    return frozenset(found - {""})


def _with(frame: Frame, node: ast.With | ast.AsyncWith) -> None:
    lenient = allowed = no_grad = 0
    for item in node.items:
        value = evaluate(frame, item.context_expr)
        if isinstance(item.context_expr, ast.Call):
            written = dotted_of(item.context_expr.func)
            name = written.rpartition(".")[2]
            allowed += frame.knowledge.own_name(frame.key, written) == "crossing_allowed"
            no_grad += name in {"no_grad", "inference_mode", "set_grad_enabled"}
            lenient += name in {"raises", "suppress", "assertRaises", "warns", "assertRaisesRegex"}
        if item.optional_vars is not None:
            store(frame, item.optional_vars, _entered(frame, value), item.optional_vars)
    frame.lenient += lenient
    frame.allowed += allowed
    frame.no_grad += no_grad
    before = frame.branch()
    run(frame, node.body)
    frame.lenient -= lenient
    frame.allowed -= allowed
    frame.no_grad -= no_grad
    if lenient:  # execution may continue after a block that ended early
        frame.merge(before, frame.env)


def _entered(frame: Frame, value: Value) -> Value:
    match value:
        case ("list", "context" | "iterator", item):
            return UNKNOWN if is_never(item) else item
        case ("instance", cls, _):
            for name, entry in find_method(frame, cls, "__enter__", is_exact=True):
                if frame.program.is_own(name):
                    return frame.fact(f"r {name}")
                key, _ = split(name)
                (_, returns, *_), *_ = entry[1]
                return read_annotation(frame.program, key, returns, {"Self": value})
        case _:
            pass
    return UNKNOWN


def _try(frame: Frame, node: ast.Try | ast.TryStar) -> None:
    catches = any(_caught(handler) & _CATCH_ALL for handler in node.handlers)
    before = frame.branch()
    frame.lenient += catches
    run(frame, node.body)
    frame.lenient -= catches
    done = frame.env
    frame.merge(before, done)
    middle = frame.branch()
    frame.env = done
    if done is not None:
        run(frame, node.orelse)
    ends = [frame.env]
    for handler in node.handlers:
        frame.env = dict(middle)
        if handler.name:
            frame.env[handler.name] = UNKNOWN
        run(frame, handler.body)
        ends.append(frame.env)
    frame.merge(*ends)
    if node.finalbody:
        is_dead = frame.env is None
        if is_dead:
            frame.env = dict(middle)
        run(frame, node.finalbody)
        if is_dead:
            frame.env = None


def _caught(handler: ast.ExceptHandler) -> set[str]:
    kinds: Iterable[ast.AST | None] = [handler.type]
    if isinstance(handler.type, ast.Tuple):
        kinds = handler.type.elts
    return {dotted_of(each).rpartition(".")[2] if each is not None else "" for each in kinds}


# --- ends


def _return(frame: Frame, node: ast.Return) -> None:
    value = evaluate(frame, node.value) if node.value is not None else NONE
    frame.returned = join(frame.returned, plain(value))
    frame.note(RETURN, node, "", (plain(value), how_of(node.value) if node.value else ""))
    frame.env = None


def _raise(frame: Frame, node: ast.Raise) -> None:
    if node.exc is not None:
        evaluate(frame, node.exc)
    frame.env = None


def _assert(frame: Frame, node: ast.Assert) -> None:
    evaluate(frame, node.test)
    narrow(frame, node.test, is_true=True)


def _import(frame: Frame, node: ast.Import | ast.ImportFrom) -> None:
    """Handle an import in a function or class; the table has the module's imports."""
    if not frame.unit.line and not frame.class_env:
        return
    program = frame.program
    for alias in node.names:
        if frame.env is None or alias.name == "*":
            continue
        if isinstance(node, ast.Import):
            name = alias.asname or alias.name.partition(".")[0]
            module = alias.name if alias.asname else name
            key = program.find_module(module, frame.key)
            frame.define(name, ("module", key) if key else UNKNOWN)
        else:
            found = program.imported(frame.key, node, alias.name)
            frame.define(alias.asname or alias.name, symbol(frame, found))


_HANDLERS: Final[dict[type, Callable[[Frame, Any], None]]] = {
    ast.Assign: _assign,
    ast.AnnAssign: _ann_assign,
    ast.AugAssign: _aug_assign,
    ast.Delete: _delete,
    ast.Global: _global,
    ast.Nonlocal: _nonlocal,
    ast.Expr: _expr,
    ast.FunctionDef: _function,
    ast.AsyncFunctionDef: _function,
    ast.ClassDef: _class,
    ast.If: _if,
    ast.Match: _match,
    ast.For: _for,
    ast.AsyncFor: _for,
    ast.While: _while,
    ast.Break: _break,
    ast.Continue: _continue,
    ast.With: _with,
    ast.AsyncWith: _with,
    ast.Try: _try,
    ast.TryStar: _try,
    ast.Return: _return,
    ast.Raise: _raise,
    ast.Assert: _assert,
    ast.Import: _import,
    ast.ImportFrom: _import,
}
