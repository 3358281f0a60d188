"""Track where tensors surely are, and whether they surely require grad, after calls and operators."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING, Final

from sekisho.inference.arrays import certain_state, certain_world, only_world
from sekisho.inference.events import ALLOWED, CROSS, UNREADABLE
from sekisho.inference.frame import Frame, Located, dotted_of
from sekisho.inference.overloads import assign, bound_by
from sekisho.inference.program import split
from sekisho.inference.value_types import (
    DEVICE,
    GRAD,
    NEVER,
    NONE,
    PLACED,
    TRACKED,
    ArrayValue,
    Value,
)
from sekisho.inference.values import arrays_in, map_arrays, map_atoms, with_state
from sekisho.worlds import HOST

if TYPE_CHECKING:
    from sekisho.inference.known_call import KnownCall

__all__ = [
    "after_call",
    "derived",
    "is_invariant",
    "note_crossing",
    "note_read",
    "note_unreadable",
    "requires_grad",
    "state_of",
]

_READING: Final = ("numpy.linalg", "numpy.fft")
_MOVING: Final = frozenset({"to", "cpu", "cuda"})
_ENDING: Final = frozenset({"detach", "detach_", "requires_grad_", "numpy"})


def state_of(frame: Frame, value: Value) -> int:
    """Return the certain state of an array, of all arrays of a list, or of any array in a tuple."""
    found = 0
    for each in _items(value):
        match each:
            case ("array", *_, kind, _) if kind in frame.knowledge.grads:
                found |= certain_state(each) | GRAD
            case _:
                found |= certain_state(each)
    return found


def _items(value: Value) -> tuple[Value, ...]:
    match value[0]:
        case "tuple":
            return value[1]
        case "list":
            return value[2:]
        case _:
            return (value,)


def derived(frame: Frame, state: int, *, is_differentiable: bool = True) -> int:
    """Return the state of a result that is computed from an array."""
    # the result is on the same device as its operands
    keeps = state & (DEVICE | PLACED)
    is_tracked = bool(state & (GRAD | TRACKED)) and is_differentiable and not frame.no_grad
    return keeps | TRACKED if is_tracked else keeps


def after_call(call: KnownCall, result: Value) -> Value:
    """Return the result of a library's function with its certain state."""
    frame, name, _, arguments, node, self_value = call
    world = frame.knowledge.worlds.get(call.library)
    if world is None or not world.supplement.differentiable:
        return result
    last = split(name)[1].rpartition(".")[2]
    operands = [*arguments.values()] if self_value is None else [self_value, *arguments.values()]
    state = 0
    for each in operands:
        state |= state_of(frame, each)
    if self_value is not None and self_value[0] == "instance":
        state |= TRACKED if frame.knowledge.trains(self_value[1]) else 0
        is_differentiable = True
    else:
        is_differentiable = last in world.supplement.differentiable
    found = derived(frame, state, is_differentiable=is_differentiable)
    if last in _ENDING:
        found &= ~TRACKED
    if last in _MOVING and self_value is not None:
        is_cast = any(
            each[0] == "instance" and each[1].endswith(":dtype") for each in arguments.values()
        )
        if is_cast:
            found &= ~TRACKED  # integers have no gradient
        if not is_cast or len(_written(node)) > 1:
            found = found & TRACKED | PLACED
        found |= DEVICE if last == "cuda" else 0
    for word in node.keywords:
        if word.arg == "requires_grad" and _is(word.value, truth=True):
            found |= GRAD
        elif word.arg == "device":
            found |= PLACED | (DEVICE if is_off_host(frame, word.value) else 0)
    if last == "requires_grad_" and not any(_is(each, truth=False) for each in _written(node)):
        found |= GRAD
    if last in _MOVING and any(is_off_host(frame, each) for each in _written(node)):
        found |= DEVICE
    return with_state(result, found) if found else result


def _written(node: ast.Call) -> list[ast.expr]:
    return [*node.args, *(each.value for each in node.keywords)]


def _is(node: ast.expr, *, truth: bool) -> bool:
    return isinstance(node, ast.Constant) and node.value is truth


def is_off_host(frame: Frame, node: ast.expr) -> bool:
    """Return whether an expression names a device other than the host: ``"cuda:0"``."""
    match frame.evaluate(frame, node):
        case ("instance", _, ("const", str())):
            return True
        case _:
            return False


def requires_grad(frame: Frame, holder: ast.expr, value: Value, *, is_on: bool) -> None:
    """Let a name hold a tensor that requires grad, or no longer does, from here on."""
    name = dotted_of(holder)
    if frame.env is None or not name or name not in frame.env:
        return

    def change(held: ArrayValue) -> Value:
        *_, state = held
        return with_state(held, state & ~(GRAD | TRACKED) | GRAD * is_on)

    frame.env[name] = map_arrays(value, change)


def note_unreadable(frame: Frame, node: Located, shown: str, operand: str, value: Value) -> None:
    """Note that the host reads the memory of a tensor that requires grad, or is elsewhere: it raises."""
    value = map_atoms(value, lambda atom: NEVER if atom == NONE else atom)  # or it raises, too
    # Where gradients are off, torch lets NumPy read what requires them.
    state = state_of(frame, value) & (DEVICE if frame.no_grad else GRAD | TRACKED | DEVICE)
    if state and not frame.lenient:
        world = next(world for each in reversed(_items(value)) if (world := only_world(each)))
        frame.note(UNREADABLE, node, operand, (shown, state, world))


def note_read(call: KnownCall) -> None:
    """Note each argument of a library's function whose memory it reads: as a crossing, and if it cannot."""
    arguments, signatures = call.arguments, call.entry[1]
    wanted = HOST.supplement.readers.get(call.name)
    if wanted is None:
        wanted = HOST.supplement.readers.get(call.library)
    if wanted is None:
        for index, value in enumerate(arguments.args):
            if arrays_in(value) and _reads_memory(call, value):
                _note_reading(call, index, value)
        return
    fitting = (
        (each, found)
        for each in reversed(signatures)
        if (found := assign(each, arguments, skip=bound_by(each, call.self_value))) is not None
    )
    nothing: list[tuple[int, Value]] = []
    (parameters, *_), places = next(fitting, (signatures[-1], nothing))
    for index, (place, value) in enumerate(places):
        if wanted and parameters[place][0] not in wanted:
            continue
        columns = [each for _, each in value[2]] if value[0] == "dict" else [value]
        for each in columns:
            _note_reading(call, index, each)


def _note_reading(call: KnownCall, index: int, value: Value) -> None:
    """Note that a function reads the memory of an argument, which crosses if it is of another world."""
    frame, node = call.frame, call.node
    written = node.args[index] if index < len(node.args) else None
    shown = dotted_of(node.func)
    note_unreadable(frame, node, shown, dotted_of(written) if written is not None else "", value)
    world = certain_world(value)
    # `asarray` and the other functions that convert are noted as operations.
    is_at_home = world in {"", HOST.name, *HOST.supplement.welcomes}
    if is_at_home or call.name in frame.knowledge.operations:
        return
    note_crossing(frame, node, written, (shown, world, HOST.name))


def note_crossing(
    frame: Frame, node: ast.Call, operand: ast.expr | None, what: tuple[str, str, str]
) -> None:
    """Note that an array becomes one of another library.

    Args:
        frame: the frame of the call.
        node: the call.
        operand: the array, if it is written out.
        what: the operation, and the worlds that the array comes from and goes to.
    """
    name = dotted_of(operand) if operand is not None else ""
    is_repeated = operand is not None and is_invariant(frame, node, operand)
    frame.note(ALLOWED if frame.allowed else CROSS, node, name, (*what, is_repeated))


def is_invariant(frame: Frame, node: ast.Call, operand: ast.expr) -> bool:
    """Return whether a call in a loop would return the same outside of the loop."""
    if not frame.loops:
        return False
    changed = frame.loops[-1]
    for each in ast.walk(node):
        # an inner call may return something else in each turn
        if isinstance(each, ast.Call) and each is not node:
            return False
        if isinstance(each, ast.Name) and each.id in changed:
            return False
        if isinstance(each, ast.Attribute) and dotted_of(each) in changed:
            return False
        if isinstance(each, (ast.Subscript, ast.Starred, ast.Lambda, ast.NamedExpr)):
            return False
    return bool(dotted_of(operand))


def _reads_memory(call: KnownCall, value: Value) -> bool:
    """Whether a function of the host's takes the memory of an array, and calls no method of it."""
    module, last = split(call.name)
    knowledge = call.frame.knowledge
    if call.library != HOST.name:
        return False
    # it accepts arrays of any library, but some still read the contents
    if knowledge.may_tell(call.name):
        return last in HOST.supplement.reads or last.startswith("assert_")
    if knowledge.operations.get(call.name) is not None or module.startswith(_READING):
        return True
    return value[0] in {"list", "tuple"} or last not in HOST.supplement.leaves
