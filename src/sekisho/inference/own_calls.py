"""What functions of the project give, and what they are told by a call."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sekisho.inference.annotations import read_annotation
from sekisho.inference.arrays import certain_state, certain_world, worlds_of
from sekisho.inference.containers import doubtful
from sekisho.inference.decorators import gives_back, is_transparent
from sekisho.inference.events import PASSED
from sekisho.inference.members import MOST_SUBCLASSES, find_method
from sekisho.inference.operations import note_axes
from sekisho.inference.overloads import assign, bound_by, call_signatures
from sekisho.inference.program import split
from sekisho.inference.value_types import EXACT, NEVER, PLAIN, TRACKED, UNKNOWN, Value, list_of
from sekisho.inference.values import (
    arrays_in,
    is_never,
    is_unknown,
    join,
    plain,
    unsure,
    with_state,
)

if TYPE_CHECKING:
    import ast
    from collections.abc import Iterable

    from sekisho.code import DefEntry, Expr
    from sekisho.inference.frame import Frame
    from sekisho.inference.known_call import KnownCall
    from sekisho.inference.overloads import Arguments

__all__ = ["call_one", "call_own", "note_passed", "parameter_fact"]


def parameter_fact(function: str, name: str) -> str:
    """The fact that says what a parameter is called with."""
    return f"p {function}.{name}"


def note_passed(frame: Frame, callee: Value, call: Arguments, node: ast.Call) -> None:
    """Note which functions of the project are passed to others than its own: their calls cannot be seen."""
    match callee:
        case ("function" | "class", name) | ("bound", name, _) if frame.program.is_own(name):
            return
        case _:
            pass
    for value in call.values():
        match value:
            case ("function", name) | ("bound", name, _) if frame.program.is_own(name):
                frame.give(f"h {name}", PLAIN, node.lineno)
            case _:
                pass


def call_own(call: KnownCall) -> Value:
    """What a function of the project gives; it is told what it is called with."""
    frame = call.frame
    methods = [(call.name, call.entry)]
    match call.self_value:
        case ("instance", cls, parameter) if parameter != EXACT:
            if len(frame.program.subclasses(cls)) > MOST_SUBCLASSES:
                return _said(call)  # a class that stands for anything
            last = call.name.rpartition(".")[2]
            others = find_method(frame, cls, last, is_exact=False)
            methods += [each for each in others if each[0] != call.name]
        case _:
            pass
    arguments = call.arguments
    # Which of several methods is called, one cannot see.
    if len(methods) > 1 + _is_abstract(call.entry):
        args = tuple(map(doubtful, arguments.args))
        kwargs = tuple((word, doubtful(value)) for word, value in arguments.kwargs)
        arguments = arguments._replace(args=args, kwargs=kwargs)
    result: Value = NEVER
    for name, entry in methods:
        given = call_one(call._replace(name=name, entry=entry, arguments=arguments))
        if len(entry[1]) > 1:  # what is written in front of it, for readers
            given = call_signatures(frame.program, name, entry[1], arguments, call.self_value)
        result = join(result, given)
    state = certain_state(result)
    if frame.no_grad and state & TRACKED:
        return with_state(result, state & ~TRACKED)
    return result


def _said(call: KnownCall) -> Value:
    """What a method of a class with very many subclasses gives: what its annotation says."""
    key, _ = split(call.name)
    _, returns, decorators, *_ = call.entry[1][-1]
    if not is_transparent(call.frame, key, decorators) or gives_back(call.frame, key, decorators):
        return UNKNOWN
    bindings: dict[str, Value] = {"Self": call.self_value} if call.self_value is not None else {}
    return unsure(read_annotation(call.frame.program, key, returns, bindings))


def _is_abstract(entry: DefEntry) -> bool:
    _, _, decorators, _ = entry[1][-1]
    return any(str(each).endswith("abstractmethod") for each in decorators)


def call_one(call: KnownCall) -> Value:
    """What one function gives, without those that override it."""
    frame, name, _, arguments, node, self_value = call
    signature = call.entry[1][-1]
    parameters, returns, decorators, _ = signature
    frame.note_called(node, name)
    taken = assign(signature, arguments, skip=bound_by(signature, self_value))
    key, _ = split(name)
    bindings: dict[str, Value] = {"Self": self_value} if self_value is not None else {}
    if not is_transparent(frame, key, decorators):
        return UNKNOWN
    # Which parameters `**kwargs` reach, one cannot see.
    given = UNKNOWN if arguments.is_open else PLAIN
    frame.give(f"{'x' if frame.no_grad else 'c'} {name}", given, node.lineno)
    for place, value in taken or ():
        parameter, _, _, annotation = parameters[place]
        frame.give(parameter_fact(name, parameter), value, node.lineno)
        if arrays_in(value):
            frame.note(PASSED, node, parameter_fact(name, parameter), plain(value))
        if annotation is not None and value[0] == "array":
            wanted = read_annotation(frame.program, key, annotation, bindings)
            note_axes(call, parameter, value, wanted)
    if gives_back(frame, key, decorators):
        return UNKNOWN  # in the library of its caller
    if returns is not None:
        said = read_annotation(frame.program, key, returns, bindings)
        if said[0] == "list" and said[1] == "iterator" and _is_context(decorators):
            return list_of(said[2], "context")
        if not is_unknown(said) and len(worlds_of(said)) <= 1:
            is_array = said[0] == "array" and bool(frame.knowledge.trained)
            state = certain_state(frame.fact(f"r {name}")) if is_array else 0
            return with_state(said, state) if state else said
    arrays = [value for value in arguments.values() if worlds_of(value)]
    worlds = {world for value in arrays for world in worlds_of(value)}
    if len(worlds) == 1:
        (world,) = worlds
        narrow = frame.fact(f"w {name} {world}")
        if not is_never(narrow):
            is_sure = all(certain_world(each) == world for each in arrays)
            return narrow if is_sure else unsure(narrow)
    return frame.fact(f"r {name}")


def _is_context(decorators: Iterable[Expr]) -> bool:
    return any(str(each).endswith("contextmanager") for each in decorators)
