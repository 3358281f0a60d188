"""Record events of calls to libraries: conversions, moves, and arguments of known worlds."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from sekisho.inference.annotations import read_annotation
from sekisho.inference.arrays import certain_state, only_world
from sekisho.inference.events import AXES, MOVE
from sekisho.inference.frame import dotted_of
from sekisho.inference.overloads import assign, bound_by
from sekisho.inference.program import split
from sekisho.inference.states import is_invariant, note_crossing, note_unreadable
from sekisho.inference.value_types import PLACED, UNKNOWN, ArrayValue, Value
from sekisho.inference.values import arrays_in
from sekisho.worlds import HOST

if TYPE_CHECKING:
    from sekisho.code import Signature
    from sekisho.inference.known_call import KnownCall
    from sekisho.inference.overloads import Arguments

__all__ = ["learn_from", "note_axes", "note_operation"]


def learn_from(call: KnownCall) -> None:
    """Learn that an argument is an array of a world if the call would raise otherwise."""
    frame, arguments, written = call.frame, call.arguments, call.node.args
    for index, value in enumerate(arguments.args):
        if value[0] != "?" or len(value) == 1 or index >= len(written):
            continue
        wanted = {
            _world_at(call, signature, index + bound_by(signature, call.self_value))
            for signature in call.entry[1]
            if assign(signature, arguments, skip=bound_by(signature, call.self_value)) is not None
        }
        if len(wanted) == 1 and "" not in wanted:
            (world,) = wanted
            frame.learn(value, world)
            frame.take_for(written[index], value, world)


def _world_at(call: KnownCall, signature: Signature, place: int) -> str:
    """Return the one world that the parameter at a place takes; "" if it takes others, too."""
    parameters, *_ = signature
    if place >= len(parameters):
        return ""
    _, kind, _, annotation = parameters[place]
    if kind not in {"/", "a"}:
        return ""
    key, _ = split(call.name)
    return only_world(read_annotation(call.frame.program, key, annotation))


def note_operation(call: KnownCall) -> None:
    """Record the conversion or move of a call."""
    frame, name, _, arguments, node, self_value = call
    operation = frame.knowledge.operations[name]
    operand: ast.expr | None = node.args[0] if node.args else None
    value = arguments.args[0] if arguments.args else UNKNOWN
    if (
        self_value is not None
        and isinstance(node.func, ast.Attribute)
        and operation.kind != "import"
    ):
        operand, value = node.func.value, self_value
    target = _other_end(operation.kind, operation.world)
    if operation.kind == "export" and "force" not in {each.arg for each in node.keywords}:
        is_method = isinstance(node.func, ast.Attribute) and self_value is not None
        shown = f".{operation.shown.rpartition('.')[2]}()" if is_method else operation.shown
        note_unreadable(frame, node, shown, dotted_of(operand) if operand else "", value)
    # `torch.from_numpy(x)` crosses even if x is unknown.
    only = frame.knowledge.only.get(name, "") if operation.kind == "import" else ""
    for world in arrays_in(value) or ((only,) if only else ()):
        if operation.kind in {"import", "export"} and world != target and operand is not None:
            note_crossing(frame, node, operand, (operation.shown, world, target))
        elif operation.kind == "move" and operand is not None and _to_device(arguments, node):
            if certain_state(value) & PLACED:
                continue  # it seems to be on that device already
            what = (operation.shown, world, world, is_invariant(frame, node, operand))
            frame.note(MOVE, node, dotted_of(operand), what)


def _other_end(kind: str, world: str) -> str:
    return HOST.name if kind == "export" else world


def _to_device(call: Arguments, node: ast.Call) -> bool:
    """Return whether ``.to(...)`` moves: its argument is a device, or has the name of one."""
    if not (node.args or node.keywords):
        return True  # .cpu()
    for value, written in zip(call.args, node.args, strict=False):
        if value[0] == "instance" and value[1].endswith(":device"):
            return True
        if isinstance(written, ast.Constant) and isinstance(written.value, str):
            return True
        if "device" in dotted_of(written).rpartition(".")[2]:
            return True
    return any(each.arg == "device" for each in node.keywords)


def note_axes(call: KnownCall, parameter: str, value: ArrayValue, wanted: Value) -> None:
    """Record the axes of an array argument whose parameter has axes, too."""
    frame, node = call.frame, call.node
    axes, wanted_axes = value[3], wanted[3] if wanted[0] == "array" else ""
    if axes and wanted_axes:
        given = next(
            (
                dotted_of(each)
                for each in (*node.args, *(keyword.value for keyword in node.keywords))
                if dotted_of(each) and frame.evaluate(frame, each) == value
            ),
            "",
        )
        last = split(call.name)[1]
        frame.note(AXES, node, parameter, (last, wanted_axes, axes, given))
