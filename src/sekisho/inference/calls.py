"""Infer what a call returns, and pass its arguments on to the function it calls."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING, Final

from sekisho.code import lower_expr
from sekisho.inference.annotations import names_in, read_annotation
from sekisho.inference.applied import with_context
from sekisho.inference.arrays import certain_world, worlds_of
from sekisho.inference.constructing import construct
from sekisho.inference.events import Notes
from sekisho.inference.frame import Frame
from sekisho.inference.iterating import iterated
from sekisho.inference.known_call import KnownCall
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
            return _call_function(frame, name, with_context(frame, name, call), node, None)
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
    known = KnownCall(frame, name, entry, call, node, self_value)
    return call_own(known) if key in frame.program.files else _call_library(known)


# --- functions of libraries


def _call_library(call: KnownCall) -> Value:
    frame, name, arguments = call.frame, call.name, call.arguments
    operation = frame.knowledge.operations.get(name)
    if name in frame.knowledge.keepers:
        _keep(call)
        return NONE
    if operation is not None and operation.kind == "scalar":
        return list_of(PLAIN) if name.endswith(".tolist") else PLAIN
    if note_refused(call):
        return UNKNOWN
    note_read(call)
    made = make_dataset(frame, name, arguments)
    if made is not None:
        return made
    if name in frame.knowledge.transforms and len(arguments.args) == 1 and not arguments.kwargs:
        return ("takes", frame.knowledge.transforms[name])
    result = _answer(call)
    return after_call(call, result) if arrays_in(result) else result


def _answer(call: KnownCall) -> Value:
    """Return the result of a library's function, by its stubs and by its operations."""
    operation = call.frame.knowledge.operations.get(call.name)
    learn_from(call)
    result = _by_stubs(call)
    if operation is not None:
        note_operation(call)
        if operation.kind == "import" and call.self_value is None:
            return call.frame.knowledge.array_of(operation.world)
    if is_unknown(result) or not arrays_in(result):
        return result
    result = _as_sure(call, result)
    others = {each for value in call.arguments.values() for each in arrays_in(value)}
    if others - {call.library} and call.library in worlds_of(result) and operation is None:
        return UNKNOWN
    return unsure(result) if _may_be_handed_on(call) else result


def _by_stubs(call: KnownCall) -> Value:
    program, knowledge = call.frame.program, call.frame.knowledge
    name, signatures, arguments = call.name, call.entry[1], call.arguments
    said = knowledge.gives.get(name)
    if said is not None:
        return read_annotation(program, split(name)[0], said)
    result = call_signatures(program, name, signatures, arguments, call.self_value)
    world = knowledge.worlds.get(call.library)
    words: Mapping[str, str] = world.supplement.keywords if world is not None else {}
    if is_unknown(result) and any(word in words for word, _ in arguments.kwargs):
        kwargs = tuple((words.get(word, word), each) for word, each in arguments.kwargs)
        renamed = arguments._replace(kwargs=kwargs)
        return call_signatures(program, name, signatures, renamed, call.self_value)
    match result:
        case ("array", own, *_, 0) if split(name)[0] == _UFUNCS:
            if any(certain_world(each) == own for each in arguments.args):
                return array(own)  # the stubs say Any
            if all(each[0] == "instance" for each in arguments.args):
                result = perhaps_number(result)
            return unsure(result) if any(map(is_unknown, arguments.args)) else result
        case _:
            return unsure(result) if ("class", "builtins:object") in arguments.values() else result


def _as_sure(call: KnownCall, result: Value) -> Value:
    """A result, as far as the library is certain to answer: no subclass does, and its method is an array's."""
    knowledge, self_value = call.frame.knowledge, call.self_value
    if any(each[0] == "array" and not knowledge.is_plain(each) for each in call.arguments.values()):
        return unsure(result)
    if self_value is None or self_value[0] != "array" or knowledge.is_sure(self_value):
        return result
    return perhaps_number(result) if knowledge.is_firm(self_value) else unsure(result)


def _may_be_handed_on(call: KnownCall) -> bool:
    """Return whether a function that accepts array-likes gets an object, or an unknown value.

    NumPy calls a method of the same name if the object has one: ``np.repeat(series)`` returns a
    series.
    """
    if call.self_value is not None or not call.arguments.args:
        return False
    match call.arguments.args[0]:
        case ("instance", cls, _) if not cls.startswith("builtins:"):
            pass
        case ("?", *_):
            pass
        case _:
            return False
    first = (parameters[0] for parameters, *_ in call.entry[1] if parameters)
    return any("Array" in name for *_, annotation in first for name in names_in(annotation))


def _keep(call: KnownCall) -> None:
    """Record the attribute that ``self.register_buffer("name", value)`` makes."""
    args, kwargs = call.arguments.args, call.arguments.kwargs
    name = call.node.args[0] if call.node.args else None
    values = [*args[1:2], *(value for each, value in kwargs if each != "name")]
    match call.self_value:
        case ("instance", cls, _) if isinstance(name, ast.Constant) and values:
            call.frame.give(f"a {cls}.{name.value!s}", values[0], call.node.lineno)
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
