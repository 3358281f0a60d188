"""Infer what a call returns, and pass its arguments on to the function it calls."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING, Final

from sekisho.code import lower_expr
from sekisho.inference.annotations import names_in, read_annotation
from sekisho.inference.arrays import certain_world, worlds_of
from sekisho.inference.constructing import construct
from sekisho.inference.events import Notes
from sekisho.inference.frame import Frame
from sekisho.inference.iterating import iterated
from sekisho.inference.loaders import make_dataset, stand_in
from sekisho.inference.members import find_method
from sekisho.inference.operations import learn_from, note_operation
from sekisho.inference.overloads import Arguments, call_signatures
from sekisho.inference.own_calls import call_own
from sekisho.inference.program import IMPORTERS, imported_by_call, split
from sekisho.inference.pythons import call_method, call_python
from sekisho.inference.refusals import RAISING, note_refused, note_taken
from sekisho.inference.states import after_call, note_read
from sekisho.inference.value_types import (
    EXACT,
    NEVER,
    NONE,
    PLAIN,
    UNKNOWN,
    InstanceValue,
    Value,
    array,
    list_of,
)
from sekisho.inference.values import arrays_in, is_unknown, join, perhaps_number, unsure

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from sekisho.code import DefEntry

__all__ = ["call_value"]

_FIRST: Final = frozenset(
    {"copy:copy", "copy:deepcopy", "contextlib:nullcontext", "functools:wraps"}
)
_UFUNCS: Final = "numpy._typing._ufunc"


def call_value(frame: Frame, callee: Value, call: Arguments, node: ast.Call) -> Value:
    """What calling a value gives."""
    if callee[0] == "union":
        return _call_each(frame, callee[1], call, node)
    return _call_atom(frame, callee, call, node)


def _call_each(frame: Frame, atoms: Iterable[Value], call: Arguments, node: ast.Call) -> Value:
    """One of several: it is certain to raise only if all of them do."""
    notes = frame.notes
    result: Value = NEVER
    raised: list[Notes] = []
    for atom in atoms:
        frame.notes = {}
        result = join(result, _call_atom(frame, atom, call, node))
        raised.append({at: what for at, what in frame.notes.items() if at[0] in RAISING})
        notes |= {at: what for at, what in frame.notes.items() if at[0] not in RAISING}
    frame.notes = notes
    if all(raised):
        notes |= raised[0]
    return result


def _call_atom(frame: Frame, atom: Value, call: Arguments, node: ast.Call) -> Value:
    match atom:
        case ("function", name):
            return _call_function(frame, name, call, node, None)
        case ("bound", name, self_value):
            if name.startswith("builtins:"):
                return call_method(self_value, name.rpartition(".")[2], call)
            return _call_function(frame, name, call, node, self_value)
        case ("class", cls):
            if cls == "typing:cast":  # all names of `typing` count as classes
                return _call_function(frame, cls, call, node, None)
            return construct(frame, cls, call, node, call_value)
        case ("instance", *_):
            return _call_instance(frame, atom, call, node)
        case ("applied", name):
            with_context = call._replace(args=(PLAIN, *call.args))
            return _call_function(frame, name, with_context, node, None)
        case ("partial", function, (_, args), (_, _, known)):
            kwargs = {**{str(key): each for key, each in known}, **dict(call.kwargs)}
            whole = call._replace(args=(*args, *call.args), kwargs=tuple(kwargs.items()))
            written = ast.copy_location(
                ast.Call(node.func, list(node.args), list(node.keywords)), node
            )
            written.args = [*stand_in(node, node.func, len(args)).args, *node.args]
            return call_value(frame, function, whole, written)
        case ("takes", world):
            note_taken(frame, world, call, node)
            return UNKNOWN
        case ("gives", given):
            return given
        case _:
            return UNKNOWN


def _call_function(
    frame: Frame, name: str, call: Arguments, node: ast.Call, self_value: Value | None
) -> Value:
    key, last = split(name)
    if key == "builtins":
        found = call_python(last, call, lambda value: iterated(frame, value))
        return UNKNOWN if found is None else found
    if name == "typing:cast" and len(node.args) > 1:
        said = read_annotation(frame.program, frame.key, lower_expr(node.args[0]))
        return call.args[1] if is_unknown(said) and len(call.args) > 1 else said
    module = imported_by_call(lower_expr(node)) if last in IMPORTERS else ""
    if module:
        key = frame.program.find_module(module, frame.key)
        return ("module", key) if key else UNKNOWN
    if name in _FIRST and call.args:
        return call.args[-1]
    entry = frame.program.entry(name)
    if entry is None or entry[0] != "def":
        return UNKNOWN
    if key in frame.program.files:
        return call_own(frame, name, entry, call, node, self_value)
    return _call_library(frame, name, entry, call, node, self_value)


# --- functions of libraries


def _call_library(
    frame: Frame,
    name: str,
    entry: DefEntry,
    call: Arguments,
    node: ast.Call,
    self_value: Value | None,
) -> Value:
    operation = frame.knowledge.operations.get(name)
    if name in frame.knowledge.keepers:
        _keep(frame, call, self_value, node)
        return NONE
    if operation is not None and operation.kind == "scalar":
        return list_of(PLAIN) if name.endswith(".tolist") else PLAIN
    if note_refused(frame, name, entry, call, node, self_value):
        return UNKNOWN
    note_read(frame, name, entry, call, node, self_value)
    made = make_dataset(frame, name, call)
    if made is not None:
        return made
    if name in frame.knowledge.transforms and len(call.args) == 1 and not call.kwargs:
        return ("takes", frame.knowledge.transforms[name])
    result = _answer(frame, name, entry, call, node, self_value)
    return after_call(frame, name, call, node, self_value, result) if arrays_in(result) else result


def _answer(
    frame: Frame,
    name: str,
    entry: DefEntry,
    call: Arguments,
    node: ast.Call,
    self_value: Value | None,
) -> Value:
    """Return the result of a library's function, by its stubs and by its operations."""
    operation = frame.knowledge.operations.get(name)
    learn_from(frame, name, entry, call, node, self_value)
    result = _by_stubs(frame, name, entry, call, self_value)
    if operation is not None:
        note_operation(frame, name, call, node, self_value)
        if operation.kind == "import" and self_value is None:
            return frame.knowledge.array_of(operation.world)
    if is_unknown(result) or not arrays_in(result):
        return result
    result = _as_sure(frame, result, call, self_value)
    world = split(name)[0].partition(".")[0]
    others = {each for value in call.values() for each in arrays_in(value)} - {world}
    if others and world in worlds_of(result) and operation is None:
        return UNKNOWN
    return unsure(result) if _may_be_handed_on(entry, call, self_value) else result


def _by_stubs(
    frame: Frame, name: str, entry: DefEntry, call: Arguments, self_value: Value | None
) -> Value:
    program, knowledge = frame.program, frame.knowledge
    said = knowledge.gives.get(name)
    if said is not None:
        return read_annotation(program, split(name)[0], said)
    result = call_signatures(program, name, entry[1], call, self_value)
    world = knowledge.worlds.get(split(name)[0].partition(".")[0])
    words: Mapping[str, str] = world.supplement.keywords if world is not None else {}
    if is_unknown(result) and any(word in words for word, _ in call.kwargs):
        kwargs = tuple((words.get(word, word), each) for word, each in call.kwargs)
        return call_signatures(program, name, entry[1], call._replace(kwargs=kwargs), self_value)
    match result:
        case ("array", own, *_, 0) if split(name)[0] == _UFUNCS:
            if any(certain_world(each) == own for each in call.args):
                return array(own)  # the stubs say Any
            if all(each[0] == "instance" for each in call.args):
                result = perhaps_number(result)
            return unsure(result) if any(map(is_unknown, call.args)) else result
        case _:
            return unsure(result) if ("class", "builtins:object") in call.values() else result


def _as_sure(frame: Frame, result: Value, call: Arguments, self_value: Value | None) -> Value:
    """A result, as far as the library is certain to answer: no subclass does, and its method is an array's."""
    knowledge = frame.knowledge
    if any(each[0] == "array" and not knowledge.is_plain(each) for each in call.values()):
        return unsure(result)
    if self_value is None or self_value[0] != "array" or knowledge.is_sure(self_value):
        return result
    return perhaps_number(result) if knowledge.is_firm(self_value) else unsure(result)


def _may_be_handed_on(entry: DefEntry, call: Arguments, self_value: Value | None) -> bool:
    """Return whether a function that accepts array-likes gets an object, or an unknown value.

    NumPy calls a method of the same name if the object has one: ``np.repeat(series)`` returns a
    series.
    """
    if self_value is not None or not call.args:
        return False
    match call.args[0]:
        case ("instance", cls, _) if not cls.startswith("builtins:"):
            pass
        case ("?", *_):
            pass
        case _:
            return False
    return any("Array" in name for each in entry[1] if each[0] for name in names_in(each[0][0][3]))


def _keep(frame: Frame, call: Arguments, self_value: Value | None, node: ast.Call) -> None:
    """Record the attribute that ``self.register_buffer("name", value)`` makes."""
    name = node.args[0] if node.args else None
    values = [*call.args[1:2], *(value for each, value in call.kwargs if each != "name")]
    match self_value:
        case ("instance", cls, _) if isinstance(name, ast.Constant) and values:
            frame.give(f"a {cls}.{name.value!s}", values[0], node.lineno)
        case _:
            pass


def _call_instance(frame: Frame, atom: InstanceValue, call: Arguments, node: ast.Call) -> Value:
    _, cls, parameter = atom
    knowledge = frame.knowledge
    name = "forward" if knowledge.is_module(cls) else "__call__"
    if any(
        base in knowledge.chains for base in frame.program.mro(cls)
    ) and not frame.program.is_own(cls):
        if parameter is None or parameter[0] != "tuple":
            return UNKNOWN
        for each in parameter[1]:
            match each:
                case ("list", _, module):
                    pass
                case module:
                    pass
            call = Arguments((call_value(frame, module, call, node),))
        return call.args[0] if call.args else UNKNOWN
    methods = find_method(frame, cls, name, is_exact=True)
    if not methods:  # or one that only subclasses have
        methods = find_method(frame, cls, name, is_exact=parameter == EXACT)[:1]
    return _call_function(frame, methods[0][0], call, node, atom) if methods else UNKNOWN
