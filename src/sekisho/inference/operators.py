"""Infer operators: ``a + b``, ``a < b``."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING, Final

from sekisho.inference.events import MIX, OPERANDS
from sekisho.inference.frame import dotted_of
from sekisho.inference.refusals import plain_world
from sekisho.inference.states import derived, note_unreadable, state_of
from sekisho.inference.value_types import (
    BOOL,
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
    Value,
    array,
    list_of,
    tuple_of,
)
from sekisho.inference.values import atoms, join, join_all, unsure, with_state
from sekisho.worlds import HOST

if TYPE_CHECKING:
    from sekisho.inference.frame import Frame, Located

__all__ = ["SIGNS", "combine", "compare"]

_NUMBERS: Final = ("builtins:bool", "builtins:int", "builtins:float", "builtins:complex")

_ARITHMETIC: Final = (
    ast.Add,
    ast.Sub,
    ast.Mult,
    ast.Div,
    ast.Pow,
    ast.MatMult,
    ast.FloorDiv,
    ast.Mod,
)
SIGNS: Final[dict[type, str]] = {
    ast.Add: "+",
    ast.Sub: "-",
    ast.Mult: "*",
    ast.Div: "/",
    ast.FloorDiv: "//",
    ast.Mod: "%",
    ast.Pow: "**",
    ast.MatMult: "@",
    ast.BitAnd: "&",
    ast.BitOr: "|",
    ast.BitXor: "^",
    ast.LShift: "<<",
    ast.RShift: ">>",
    ast.Eq: "==",
    ast.NotEq: "!=",
    ast.Lt: "<",
    ast.LtE: "<=",
    ast.Gt: ">",
    ast.GtE: ">=",
}


def combine(frame: Frame, node: Located, op: ast.operator, left: Value, right: Value) -> Value:
    """Return the value of ``left op right``."""
    _note_mix(frame, node, op, left, right)
    _note_expansion(frame, node, op, left, right)
    result: Value = NEVER
    for a in atoms(left):
        for b in atoms(right):
            given = _combine(frame, op, a, b)
            is_plain = all(each[0] != "array" or frame.knowledge.is_plain(each) for each in (a, b))
            state = state_of(frame, a) | state_of(frame, b)
            if state and given[0] == "array":
                is_arithmetic = isinstance(op, _ARITHMETIC)
                given = with_state(given, derived(frame, state, is_differentiable=is_arithmetic))
            result = join(result, given if is_plain else unsure(given))
    return result


def _note_mix(frame: Frame, node: Located, op: ast.AST, left: Value, right: Value) -> None:
    mine, theirs = plain_world(frame, left), plain_world(frame, right)
    sign = SIGNS.get(type(op), "?")
    if mine and theirs and not frame.lenient and _raises(frame, sign, mine, theirs):
        frame.note(MIX, node, sign, (mine, theirs, *_operands(node)))
    elif isinstance(op, _ARITHMETIC) and HOST.name in (mine, theirs) and mine != theirs:
        value, operand = (right, 1) if mine == HOST.name else (left, 0)
        note_unreadable(frame, node, sign, _operands(node)[operand], value)


def _note_expansion(frame: Frame, node: Located, op: ast.AST, left: Value, right: Value) -> None:
    """Note an operator whose operands have axes by their annotations, which it may both expand."""
    if isinstance(op, ast.MatMult) or isinstance(node, ast.AugAssign):
        return  # the latter cannot expand its target
    match left, right:
        case (("array", _, _, axes, *_), ("array", _, _, others, *_)):
            if axes and others and axes != others:
                sign = SIGNS.get(type(op), "?")
                frame.note(OPERANDS, node, sign, (axes, others, *_operands(node)))
        case _:
            pass


def _operands(node: Located) -> tuple[str, str]:
    """Return the names of both operands; "" for an operand that is not a name."""
    if isinstance(node, ast.BinOp):
        return dotted_of(node.left), dotted_of(node.right)
    if isinstance(node, ast.AugAssign):
        return dotted_of(node.target), dotted_of(node.value)
    if isinstance(node, ast.Compare):
        return dotted_of(node.left), dotted_of(node.comparators[0])
    return "", ""


def _raises(frame: Frame, sign: str, mine: str, theirs: str) -> bool:
    """Return whether an operator on arrays of two libraries raises, by the worlds' supplements."""
    left, right = (frame.knowledge.worlds[each].supplement for each in (mine, theirs))
    if mine == theirs or mine in right.welcomes or theirs in left.welcomes:
        return False
    if mine == HOST.name:
        return sign not in right.runs_left
    if theirs == HOST.name:
        return sign in left.fails_right
    return sign not in {"==", "!="}


def _combine(frame: Frame, op: ast.operator, a: Value, b: Value) -> Value:
    if NONE in (a, b):
        return NEVER  # it raises
    if a[0] == "array" or b[0] == "array":
        return _with_array(frame, SIGNS.get(type(op), "?"), a, b)
    match a, b:
        case (("instance", *_), ("instance", *_)):
            return _plain(op, a, b)
        case (("list", kind, item), ("list", _, other)):
            return list_of(join(item, other), kind)
        case (("tuple", items), ("tuple", more)) if isinstance(op, ast.Add):
            return tuple_of((*items, *more))
        case (("instance" | "?", *_), ("list" | "tuple", *_)) if isinstance(op, ast.Mult):
            return _repeated(b)
        case (("list" | "tuple", *_), ("instance" | "?", *_)) if isinstance(op, ast.Mult):
            return _repeated(a)
        case _:
            return STR if a == STR and isinstance(op, ast.Mod) else UNKNOWN


def _repeated(container: Value) -> Value:
    """Return ``[0] * n``."""
    return list_of(join_all(container[1]), "tuple") if container[0] == "tuple" else container


def _plain(op: ast.operator, a: InstanceValue, b: InstanceValue) -> Value:
    mine, theirs = a[1], b[1]
    if mine in _NUMBERS and theirs in _NUMBERS:
        if isinstance(op, ast.Div) and "builtins:complex" not in {mine, theirs}:
            return FLOAT
        wider = max(a, b, key=lambda each: _NUMBERS.index(each[1]))
        return wider if wider[1] != _NUMBERS[0] else INT
    if mine.startswith("builtins:") and theirs.startswith("builtins:"):
        return a if a == b else STR if STR in (a, b) else PLAIN
    return UNKNOWN


def _with_array(frame: Frame, sign: str, a: Value, b: Value) -> Value:
    if a[0] == "array" and b[0] == "array":
        return _of_arrays(frame, sign, a, b)
    if a[0] == "array":
        return _with_other(a, b)
    return _with_other(b, a) if b[0] == "array" else UNKNOWN


def _of_arrays(frame: Frame, sign: str, a: ArrayValue, b: ArrayValue) -> Value:
    _, mine, is_array, _, kind, state = a
    _, theirs, is_other_array, _, other_kind, other_state = b
    if mine == theirs:
        kind = kind if kind == other_kind else ""
        if is_array or is_other_array:
            return array(mine, kind=kind)
        return array(mine, is_array=False, state=(state | other_state) & OPEN)
    are_sure = is_array and is_other_array
    if are_sure and _raises(frame, sign, mine, theirs):
        return UNKNOWN
    (_, guest, *_), (_, other, is_array, *_) = (a, b) if mine != HOST.name else (b, a)
    if other in frame.knowledge.worlds[guest].supplement.welcomes:
        return array(guest)
    if are_sure and other == HOST.name and sign != "!=":
        return array(guest)
    # A NumPy number beside another library's array acts like a Python number.
    return array(guest) if not is_array and other == HOST.name else UNKNOWN


def _with_other(known: ArrayValue, other: Value) -> Value:
    """Return the result for an array and what is none, or may be none."""
    _, world, is_array, _, _, state = known
    match other:
        case ("?", *_):
            # Another library's array would take a host's along; nothing takes one of its own away.
            is_own = world != HOST.name and not state & OPEN
            return array(world, is_array=is_array) if is_own else _unsure(known)
        case ("list" | "tuple", *_):
            return array(world)
        case ("instance", cls, _) if not cls.startswith("builtins:"):
            return UNKNOWN
        case _:
            return array(world, is_array=is_array, state=state & OPEN)


def _unsure(known: ArrayValue) -> Value:
    return unsure(array(known[1]))


def compare(frame: Frame, node: Located, op: ast.cmpop, left: Value, right: Value) -> Value:
    """Return the value of ``left op right``."""
    if isinstance(op, (ast.Is, ast.IsNot, ast.In, ast.NotIn)):
        return BOOL
    _note_mix(frame, node, op, left, right)
    _note_expansion(frame, node, op, left, right)
    result: Value = NEVER
    for a in atoms(left):
        for b in atoms(right):
            if a[0] == "array" or b[0] == "array":
                result = join(result, _with_array(frame, SIGNS.get(type(op), "?"), a, b))
            elif a[0] == "?" or b[0] == "?":
                is_text = STR in (a, b) or NONE in (a, b)
                result = join(result, BOOL if is_text else UNKNOWN)
            else:
                result = join(result, BOOL)
    return result
