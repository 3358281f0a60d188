"""Find library calls that surely raise on arrays of another library.

If a library enforces its stubs (`Supplement.strict`), these say what a function accepts. The other
cases are in the worlds' supplements, as measured.
"""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING, Final

from sekisho.inference.arrays import worlds_of
from sekisho.inference.events import (
    ASSIGNED,
    CALLED,
    DTYPE,
    FOREIGN,
    NAMESAKE,
    SUBSCRIPTED,
    UNREADABLE,
    Raised,
)
from sekisho.inference.frame import Frame, dotted_of
from sekisho.inference.overloads import Arguments, has_no_place_for, refuses
from sekisho.inference.program import split
from sekisho.inference.states import note_unreadable
from sekisho.inference.value_types import UNKNOWN, Value, instance, list_of, tuple_of
from sekisho.inference.values import map_atoms
from sekisho.worlds import HOST

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from sekisho.code import DefEntry
    from sekisho.inference.known_call import KnownCall

__all__ = [
    "RAISING",
    "note_assigned",
    "note_called",
    "note_refused",
    "note_subscripted",
    "note_taken",
    "plain_world",
]

RAISING: Final = frozenset(each.name for each in (FOREIGN, DTYPE, NAMESAKE, UNREADABLE))
"""The names of the kinds of events that say that a call raises."""

_WRITTEN_OUT: Final = (ast.List, ast.Tuple)


def plain_world(frame: Frame, value: Value) -> str:
    """Return the world whose own array a value surely is; "" if it may be a subclass."""
    return value[1] if value[0] == "array" and frame.knowledge.is_sure(value) else ""


def note_refused(call: KnownCall) -> bool:
    """Record that a library's function raises on its arguments; return whether it does."""
    knowledge = call.frame.knowledge
    world = knowledge.home_of(call.name)
    if call.frame.lenient or knowledge.may_tell(call.name):
        return False
    return (
        _note_table(call)
        or (world in knowledge.worlds and _note_dtype(call, world))
        or _note_foreign_parts(call, world)
        or _note_namesake(call)
    )


def note_taken(frame: Frame, world: str, call: Arguments, node: ast.Call) -> None:
    """Note that a function that a library has made, of one of the program's, raises: `jacrev(f)(array)`."""
    other = plain_world(frame, call.args[0]) if call.args else ""
    if other and not frame.lenient and other != world and not _is_at_home(frame, world, other):
        _note_foreign(frame, node, node.args[:1], world, other)


def _note_table(call: KnownCall) -> bool:
    """Find functions that accept the arrays of one library only, although their stubs do not say so."""
    frame, name, node = call.frame, call.name, call.node
    wanted = frame.knowledge.only.get(name, "")
    for index, value in enumerate(call.arguments.args):
        other = plain_world(frame, value)
        refused = bool(wanted) and other not in {"", wanted}
        is_unfit = index == 0 and name in frame.knowledge.unfit.get(other, ())
        if is_unfit and frame.knowledge.may_have(other, "__array_function__"):
            continue  # a subclass may support the call
        if is_unfit or (refused and not _is_at_home(frame, wanted, other)):
            return _note_foreign(frame, node, node.args[index:][:1], wanted or HOST.name, other)
    return False


def _note_foreign(
    frame: Frame, node: ast.Call, operands: Iterable[ast.expr], world: str, other: str
) -> bool:
    shown = dotted_of(node.func)
    if shown.partition(".")[0] in (frame.env or {}) and not _is_callable(frame, node.func):
        return False  # a variable such as `xp` may be any library
    operand = next((dotted_of(each) for each in operands), "")
    frame.note(FOREIGN, node, operand, (shown, world, other))
    return True


def _is_callable(frame: Frame, function: ast.expr) -> bool:
    """Return whether a called value is an object or a method, not a library's function in a name."""
    return frame.evaluate(frame, function)[0] in {"instance", "bound", "class"}


def _is_at_home(frame: Frame, world: str, other: str) -> bool:
    return other in frame.knowledge.worlds[world].supplement.welcomes


def _note_dtype(call: KnownCall, world: str) -> bool:
    """Find a dtype of another library: ``torch.zeros(3, dtype=np.float32)``."""
    frame, name, node = call.frame, call.name, call.node
    if world != HOST.name and not frame.knowledge.is_strict(name):
        return False
    for value in call.arguments.values():
        other = frame.knowledge.world_of_dtype(value)
        if other and other != world and not _is_at_home(frame, world, other):
            shown = dotted_of(node.func) or split(name)[1].rpartition(".")[2]
            frame.note(DTYPE, node, shown, (world, other))
            return True
    return False


def _note_foreign_parts(call: KnownCall, world: str) -> bool:
    """Find a call that contradicts the stubs only because of another library's arrays."""
    frame, name, entry, _, node, self_value = call
    if not frame.knowledge.is_strict(name):
        return False
    arguments = call.arguments._replace(args=tuple(_written_out(call)))
    foreign = [_foreign_parts(frame, world, value) for value in arguments.values()]
    if not any(foreign) or not refuses(frame.program, name, entry[1], arguments, self_value):
        return False
    count = len(arguments.args)
    known = [
        UNKNOWN if others else each
        for each, others in zip(arguments.values(), foreign, strict=True)
    ]
    words = [word for word, _ in arguments.kwargs]
    without = arguments._replace(
        args=tuple(known[:count]), kwargs=tuple(zip(words, known[count:], strict=True))
    )
    if refuses(frame.program, name, entry[1], without, self_value):
        return False  # the call fails for another reason, or the stubs are too narrow
    index = next(index for index, others in enumerate(foreign) if others)
    written = [*node.args, *(each.value for each in node.keywords)]
    return _note_foreign(frame, node, written[index : index + 1], world, foreign[index][0])


def _written_out(call: KnownCall) -> Iterator[Value]:
    """Yield the arguments, with list displays as tuples: one item that is rejected is enough."""
    frame, args = call.frame, call.arguments.args
    for value, written in zip(args, call.node.args, strict=False):
        if isinstance(written, _WRITTEN_OUT) and value[0] == "list":
            yield tuple_of(frame.evaluate(frame, each) for each in written.elts)
        else:
            yield value
    yield from args[len(call.node.args) :]


def _foreign_parts(frame: Frame, world: str, value: Value) -> list[str]:
    """Return the other worlds of arrays that a value surely is, or surely contains."""
    match value:
        case ("array", *_):
            parts: tuple[Value, ...] = (value,)
        case ("tuple", items):
            parts = items
        case ("list", _, item):
            parts = (item,)
        case _:
            return []
    found = [plain_world(frame, each) for each in parts]
    return [
        each for each in found if each not in {"", world} and not _is_at_home(frame, world, each)
    ]


def _note_namesake(call: KnownCall) -> bool:
    """Find ``array.mean(dim=0)``: no overload fits, but the other library's function does."""
    frame, name, entry, arguments, node, self_value = call
    knowledge = frame.knowledge
    world = call.library
    if arguments.is_open or world not in knowledge.worlds:
        return False
    is_method = self_value is not None and self_value[0] == "array"
    if is_method and self_value is not None and plain_world(frame, self_value) != world:
        return False
    last = split(name)[1].rpartition(".")[2]
    if last == "__call__":  # np.ones is an object
        last = dotted_of(node.func).rpartition(".")[2]
    known = knowledge.worlds[world].supplement.keywords
    # Try the stubs' names for keywords, too: PyTorch accepts NumPy's `axis` for `dim`.
    kwargs = tuple((known.get(word, word), each) for word, each in arguments.kwargs)
    also = arguments._replace(kwargs=kwargs)
    if not all(has_no_place_for(entry[1], each, self_value) for each in (arguments, also)):
        return False
    for other, (identifier, namesake) in knowledge.namesakes(world, last, is_method=is_method):
        bound = knowledge.array_of(other) if is_method else None
        theirs = _translated(arguments, world, knowledge.array_of(other))
        # report only if the other library's function would take the same call
        if not refuses(frame.program, identifier, namesake[1], theirs, bound):
            shown = dotted_of(node.func) or last
            known_words = _parameters(entry)
            word = next((each for each, _ in arguments.kwargs if each not in known_words), "")
            frame.note(NAMESAKE, node, shown, (world, other, last, word))
            return True
    return False


def _translated(call: Arguments, world: str, other: Value) -> Arguments:
    """Return a call with the arrays of a world replaced by those of another."""

    def translate(value: Value) -> Value:
        match value:
            case ("list", kind, item):
                return list_of(translate(item), kind)
            case ("tuple", items):
                return tuple_of(map(translate, items))
            case _:
                return map_atoms(value, lambda atom: other if worlds_of(atom) == (world,) else atom)

    kwargs = tuple((word, translate(each)) for word, each in call.kwargs)
    return call._replace(args=tuple(map(translate, call.args)), kwargs=kwargs)


def _parameters(entry: DefEntry) -> set[str]:
    return {name for parameters, *_ in entry[1] for name, *_ in parameters}


def note_called(frame: Frame, node: ast.Call, callee: Value) -> None:
    """Find ``array.size(0)``: here a number, in another library a method."""
    function = node.func
    if not isinstance(function, ast.Attribute) or frame.lenient or callee[0] in {"bound", "?"}:
        return
    _note_other_kind(frame, function, CALLED, is_method=False)


def note_subscripted(frame: Frame, node: ast.Subscript, value: Value) -> None:
    """Find ``tensor.size[0]``: here a method, in another library a tuple or a number."""
    written = node.value
    if isinstance(written, ast.Attribute) and value[0] == "bound" and not frame.lenient:
        _note_other_kind(frame, written, SUBSCRIPTED, is_method=True)


def _note_other_kind(
    frame: Frame, written: ast.Attribute, kind: Raised, *, is_method: bool
) -> None:
    holder = frame.evaluate(frame, written.value)
    world = plain_world(frame, holder)
    if not world or frame.knowledge.is_method(world, written.attr) is not is_method:
        return
    for other in frame.knowledge.worlds:
        if other != world and frame.knowledge.is_method(other, written.attr) is (not is_method):
            shown = dotted_of(written.value)
            frame.note(kind, written, written.attr, (shown, world, other))
            return


def note_assigned(
    frame: Frame, target: ast.Subscript, holder: Value, value: Value, index: Value
) -> None:
    """Find ``tensor[:] = array``: a library that does not convert raises."""
    world, other = plain_world(frame, holder), plain_world(frame, value)
    if not world or not other or world == other or frame.lenient:
        return
    is_many = index[0] in {"array", "list"} or index == instance("builtins:slice")
    # a single element is assigned by value, without reading the memory
    if world == HOST.name and is_many:
        note_unreadable(frame, target, "the assignment", "", value)
    if frame.knowledge.worlds[world].supplement.takes_items or _is_at_home(frame, world, other):
        return
    shown = f"{dotted_of(target.value) or '...'}[...]"
    frame.note(ASSIGNED, target, shown, (world, other))
