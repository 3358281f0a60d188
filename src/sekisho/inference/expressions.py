"""Infer the values of expressions."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING, Any, Final

from sekisho.inference.annotations import read_annotation
from sekisho.inference.arrays import certain_world, only_world
from sekisho.inference.calls import call_value
from sekisho.inference.compiling import note_compiled
from sekisho.inference.containers import item_of
from sekisho.inference.displays import (
    read_comprehension,
    read_dict,
    read_list,
    read_tuple,
)
from sekisho.inference.frame import Frame, constant_key, dotted_of, how_of
from sekisho.inference.iterating import iterated
from sekisho.inference.members import attribute, container_of, find_method, symbol
from sekisho.inference.narrowing import narrow
from sekisho.inference.operators import combine, compare
from sekisho.inference.overloads import Arguments
from sekisho.inference.own_calls import note_passed
from sekisho.inference.pythons import mutated
from sekisho.inference.refusals import note_called, note_subscripted
from sekisho.inference.states import derived, requires_grad, state_of
from sekisho.inference.targets import hold, set_by_name, store
from sekisho.inference.value_types import (
    BOOL,
    CONSTANTS,
    FLOAT,
    INT,
    NEVER,
    NONE,
    OPEN,
    PLAIN,
    STR,
    UNKNOWN,
    ArrayValue,
    InstanceValue,
    Key,
    Value,
    array,
    held_in,
    instance,
    list_of,
    text_constant,
)
from sekisho.inference.values import (
    is_never,
    is_unknown,
    join,
    join_all,
    map_atoms,
    plain,
    unsure,
    with_state,
)

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["evaluate"]


def evaluate(frame: Frame, node: ast.expr) -> Value:
    """Return the value of an expression, at the current point of a frame."""
    handler = _HANDLERS.get(type(node))
    return UNKNOWN if handler is None else handler(frame, node)


def _name(frame: Frame, node: ast.Name) -> Value:
    value = _held(frame, node.id)
    frame.note_read(node, value)
    return value


def _held(frame: Frame, name: str) -> Value:
    env = frame.env
    if env is not None and name in env:
        frame.stale.discard(name)
        return env[name]
    outer = frame.unit.outer
    if outer:
        held = frame.fact(f"e {outer} {name}")
        if not is_never(held):
            return held
    found = frame.program.resolve(frame.key, name)
    if found is None:
        found = frame.program.dotted("builtins", name)
    return symbol(frame, found)


def _constant(_frame: Frame, node: ast.Constant) -> Value:
    if isinstance(node.value, bool):
        return CONSTANTS[node.value]
    if isinstance(node.value, str):
        return text_constant(node.value)
    return _CONSTANTS.get(type(node.value), PLAIN)


_CONSTANTS: Final[dict[type, Value]] = {
    kind: instance(f"builtins:{kind.__name__}")
    for kind in (type(None), bool, int, float, complex, str, bytes)
}


def _attribute(frame: Frame, node: ast.Attribute, *, is_called: bool = False) -> Value:
    env = frame.env
    if env is not None and type(node.value) is ast.Name:
        known = env.get(f"{node.value.id}.{node.attr}")
        if known is not None:
            return known
    value = evaluate(frame, node.value)
    world = frame.knowledge.alone.get(node.attr) if is_called else None
    if world is not None and is_unknown(value):
        if len(value) > 1:
            frame.learn(value, world)
            frame.take_for(node.value, value, world)
        value = unsure(frame.knowledge.array_of(world))
    return attribute(frame, value, node.attr, node)


# --- calls


def _call(frame: Frame, node: ast.Call) -> Value:
    function = node.func
    is_method = isinstance(function, ast.Attribute)
    callee = (
        _attribute(frame, function, is_called=True)
        if isinstance(function, ast.Attribute)
        else evaluate(frame, function)
    )
    args: list[Value] = []
    kwargs: list[tuple[str, Value]] = []
    is_open = False
    rest: Value = NEVER
    for each in node.args:
        if isinstance(each, ast.Starred):
            value = evaluate(frame, each.value)
            is_open = is_open or value[0] != "tuple"
            given = value[1] if value[0] == "tuple" else (iterated(frame, value),)
        else:
            given = (evaluate(frame, each),)
        if is_open:  # what stands behind has no place of its own
            rest = join_all([rest, *given])
        else:
            args += given
    for keyword in node.keywords:
        value = evaluate(frame, keyword.value)
        if keyword.arg is None:
            is_open = True
        else:
            kwargs.append((keyword.arg, value))
    call = Arguments(tuple(args), tuple(kwargs), is_open, rest)
    note_passed(frame, callee, call, node)
    note_compiled(frame, callee, call.values(), node)
    if is_method:
        note_called(frame, node, callee)
    result = call_value(frame, callee, call, node)
    _after_call(frame, callee, call, node)
    return result


def _after_call(frame: Frame, callee: Value, call: Arguments, node: ast.Call) -> None:
    """Update a container that a method changed, and forget attributes that a call may change."""
    function = node.func
    set_by_name(frame, callee, node)
    if frame.env is None or not isinstance(function, ast.Attribute):
        return
    if callee[0] in {"bound", "union"}:
        holder = dotted_of(function.value)
        value = evaluate(frame, function.value) if holder else UNKNOWN
        changed = mutated(value, function.attr, call) if holder else None
        if changed is not None:
            hold(frame, function.value, holder, changed, node)
            return
    if function.attr == "requires_grad_":
        is_off = any(evaluate(frame, each) == CONSTANTS[False] for each in node.args)
        requires_grad(frame, function.value, evaluate(frame, function.value), is_on=not is_off)
    root = dotted_of(function).partition(".")[0]
    if root and callee[0] != "module":
        frame.forget(root)


# --- operators


def _bin_op(frame: Frame, node: ast.BinOp) -> Value:
    left, right = evaluate(frame, node.left), evaluate(frame, node.right)
    return combine(frame, node, node.op, left, right)


def _compare(frame: Frame, node: ast.Compare) -> Value:
    left = evaluate(frame, node.left)
    result: Value = NEVER
    for op, other in zip(node.ops, node.comparators, strict=True):
        right = evaluate(frame, other)
        result = join(result, compare(frame, node, op, left, right))
        left = right
    return result


def _unary_op(frame: Frame, node: ast.UnaryOp) -> Value:
    value = evaluate(frame, node.operand)
    if isinstance(node.op, ast.Not):
        return BOOL
    state = state_of(frame, value)
    return with_state(value, derived(frame, state)) if state else value


def _bool_op(frame: Frame, node: ast.BoolOp) -> Value:
    result: Value = NEVER
    env = frame.branch()
    is_and = isinstance(node.op, ast.And)
    for index, each in enumerate(node.values):
        value = evaluate(frame, each)
        is_last = index == len(node.values) - 1
        if not is_last and not is_and:  # `or` goes on to the next operand after None
            value = map_atoms(value, lambda atom: NEVER if atom == _CONSTANTS[type(None)] else atom)
        result = join(result, value)
        if not is_last:
            narrow(frame, each, is_true=is_and)
    frame.env = env
    return result


def _if_exp(frame: Frame, node: ast.IfExp) -> Value:
    evaluate(frame, node.test)
    before = frame.branch()
    narrow(frame, node.test, is_true=True)
    result = evaluate(frame, node.body)
    frame.env = dict(before)
    narrow(frame, node.test, is_true=False)
    result = join(result, evaluate(frame, node.orelse))
    frame.env = before
    return result


def _subscript(frame: Frame, node: ast.Subscript) -> Value:
    value = evaluate(frame, node.value)
    index = evaluate(frame, node.slice)
    note_subscripted(frame, node, value)
    if value[0] == "class":
        return value  # list[int]
    written = node.slice
    key = constant_key(written)
    is_slice, is_union = isinstance(written, ast.Slice), value[0] == "union"

    def take(atom: Value) -> Value:
        match atom:
            case ("array", *_):
                return _row(frame, atom, written, index)
            case ("list", *_) if is_slice:
                return atom
            case ("tuple", items) if is_slice:
                return list_of(join_all(items), "tuple")
            case ("instance", cls, _) if not cls.startswith("builtins:"):
                return _of_instance(frame, atom, key)
            case ("instance", cls, _) if cls in _WITHOUT_ITEMS and is_union:
                return NEVER  # it would raise, so the value is another of the alternatives
            case ("list", _, ("never",)) if is_union:
                return NEVER  # it is empty
            case _:
                return item_of(atom, key)

    found = map_atoms(value, take)
    return UNKNOWN if is_never(found) and is_union else found


_WITHOUT_ITEMS: Final = frozenset({NONE[1], BOOL[1], INT[1], FLOAT[1]})


def _row(frame: Frame, atom: ArrayValue, written: ast.expr, index: Value) -> Value:
    given = _of_array(frame, atom[1], written, index)
    # If the array has slices, a slice of it is an array, even where a row may be a number.
    is_row = given[2] and not atom[5] & OPEN and frame.knowledge.is_plain(atom)
    if not frame.knowledge.is_sure(atom) and not is_row:
        return unsure(given)
    state = state_of(frame, atom)
    return with_state(given, derived(frame, state)) if state else given


def _of_array(frame: Frame, world: str, written: ast.expr, index: Value) -> ArrayValue:
    parts = written.elts if isinstance(written, ast.Tuple) else [written]
    keeps = any(
        isinstance(each, ast.Slice)
        or (isinstance(each, ast.Constant) and each.value in {None, ...})
        for each in parts
    )
    if index[0] == "instance" and index[1] == "builtins:str":
        return array(world)  # a field of a structured array
    if keeps or only_world(index) or index[0] == "list":
        has_rows = keeps or bool(certain_world(index))
        return array(
            world, is_array=has_rows or not frame.knowledge.worlds[world].supplement.scalar
        )
    return frame.knowledge.row_of(world)


def _of_instance(frame: Frame, atom: InstanceValue, key: Key | None) -> Value:
    _, cls, parameter = atom
    container = container_of(frame, atom)
    if not is_unknown(container):
        return item_of(container, key)
    if any(base in frame.knowledge.holders for base in frame.program.mro(cls)):
        return held_in(parameter) or UNKNOWN
    found = find_method(frame, cls, "__getitem__", is_exact=False)
    if found and frame.program.is_own(found[0][0]):
        return join_all(frame.fact(f"r {name}") for name, _ in found)
    for name, entry in found:
        module = name.partition(":")[0]
        (_, returns, *_), *_ = entry[1]
        said = frame.knowledge.gives.get(name, returns)
        return read_annotation(frame.program, module, said, {"Self": atom})
    return UNKNOWN


# --- the rest


def _lambda(frame: Frame, node: ast.Lambda) -> Value:
    before = frame.env
    frame.env = frame.branch()
    args = node.args
    for each in (*args.posonlyargs, *args.args, *args.kwonlyargs, args.vararg, args.kwarg):
        if each is not None:
            frame.env[each.arg] = UNKNOWN
    given = evaluate(frame, node.body)
    frame.env = before
    return "gives", plain(given)


def _named(frame: Frame, node: ast.NamedExpr) -> Value:
    value = evaluate(frame, node.value)
    store(frame, node.target, value, node, how_of(node.value))
    return value


def _await(frame: Frame, node: ast.Await) -> Value:
    value = evaluate(frame, node.value)
    return UNKNOWN if value[0] == "instance" and not frame.program.is_own(value[1]) else value


def _yield(frame: Frame, node: ast.Yield) -> Value:
    value = evaluate(frame, node.value) if node.value is not None else _CONSTANTS[type(None)]
    frame.yielded = join(frame.yielded, value)
    return UNKNOWN


def _yield_from(frame: Frame, node: ast.YieldFrom) -> Value:
    frame.yielded = join(frame.yielded, iterated(frame, evaluate(frame, node.value)))
    return UNKNOWN


def _text(frame: Frame, node: ast.JoinedStr) -> Value:
    for each in node.values:
        if isinstance(each, ast.FormattedValue):
            evaluate(frame, each.value)
    return STR


def _slice(frame: Frame, node: ast.Slice) -> Value:
    for each in (node.lower, node.upper, node.step):
        if each is not None:
            evaluate(frame, each)
    return instance("builtins:slice")


_HANDLERS: Final[dict[type, Callable[[Frame, Any], Value]]] = {
    ast.Name: _name,
    ast.Constant: _constant,
    ast.Attribute: _attribute,
    ast.Call: _call,
    ast.BinOp: _bin_op,
    ast.Compare: _compare,
    ast.UnaryOp: _unary_op,
    ast.BoolOp: _bool_op,
    ast.IfExp: _if_exp,
    ast.Subscript: _subscript,
    ast.List: read_list,
    ast.Set: read_list,
    ast.Tuple: read_tuple,
    ast.Dict: read_dict,
    ast.ListComp: read_comprehension,
    ast.SetComp: read_comprehension,
    ast.GeneratorExp: read_comprehension,
    ast.DictComp: read_comprehension,
    ast.Lambda: _lambda,
    ast.NamedExpr: _named,
    ast.Await: _await,
    ast.Yield: _yield,
    ast.YieldFrom: _yield_from,
    ast.JoinedStr: _text,
    ast.Slice: _slice,
    ast.Starred: lambda frame, node: evaluate(frame, node.value),
}
