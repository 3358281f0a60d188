"""Infer what a call returns, and pass its arguments on to the function it calls."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING, Final

from sekisho.code import Expr, lower_expr, tag_of
from sekisho.inference.annotations import names_in, read_annotation, value_of_class
from sekisho.inference.containers import item_of
from sekisho.inference.decorators import gives_back, is_transparent
from sekisho.inference.frame import Frame, dotted_of
from sekisho.inference.members import EXACT, MOST_SUBCLASSES, container_of, find_method
from sekisho.inference.operations import learn_from, note_axes, note_operation
from sekisho.inference.overloads import Arguments, assign, call_signatures
from sekisho.inference.program import IMPORTERS, imported_by_call, split
from sekisho.inference.pythons import call_method, call_python, iterate
from sekisho.inference.refusals import note_refused
from sekisho.inference.states import after_call, note_unreadable, reads_memory
from sekisho.inference.values import (
    NEVER,
    NONE,
    PLAIN,
    TRACKED,
    UNKNOWN,
    Value,
    arrays_in,
    certain_state,
    certain_world,
    is_never,
    is_unknown,
    join,
    join_all,
    list_of,
    map_atoms,
    plain,
    unsure,
    with_state,
    worlds_of,
)

if TYPE_CHECKING:
    from sekisho.code import Entry, Signature

__all__ = ["call_value", "iterated", "parameter_fact"]

_FIRST: Final = frozenset(
    {"copy:copy", "copy:deepcopy", "contextlib:nullcontext", "functools:wraps"}
)
_CHAINED: Final = frozenset({"chain", "islice", "cycle", "takewhile", "dropwhile", "filterfalse"})
_DATACLASSES: Final = frozenset(
    {"dataclass", "dataclasses.dataclass", "define", "attrs.define", "frozen"}
)


def parameter_fact(function: str, name: str) -> str:
    """Return the key of the fact that holds the arguments passed to a parameter."""
    return f"p {function}.{name}"


def call_value(frame: Frame, callee: Value, call: Arguments, node: ast.Call) -> Value:
    """Return the result of calling a value."""
    is_one_of_several = callee[0] == "union"  # if one fails, another one may be right
    frame.lenient += is_one_of_several
    result = map_atoms(callee, lambda atom: _call_atom(frame, atom, call, node))
    frame.lenient -= is_one_of_several
    return result


def _call_atom(frame: Frame, atom: Value, call: Arguments, node: ast.Call) -> Value:
    tag = atom[0]
    if tag == "function":
        return _call_function(frame, atom[1], call, node, None)
    if tag == "bound":
        if atom[1].startswith("builtins:"):
            return call_method(atom[2], atom[1].rpartition(".")[2], call)
        return _call_function(frame, atom[1], call, node, atom[2])
    if tag == "class":
        if atom[1] == "typing:cast":  # all names of `typing` count as classes
            return _call_function(frame, atom[1], call, node, None)
        return _construct(frame, atom[1], call, node)
    if tag == "instance":
        return _call_instance(frame, atom, call, node)
    if tag == "applied":
        with_context = call._replace(args=(PLAIN, *call.args))
        return _call_function(frame, atom[1], with_context, node, None)
    return atom[1] if tag == "gives" else UNKNOWN


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
    if key == "itertools" and call.args and last in _CHAINED:
        items = [
            iterated(frame, each) for each in (call.args if last == "chain" else call.args[:1])
        ]
        return list_of(join_all(items), "iterator")
    entry = frame.program.entry(name)
    if entry is None or entry[0] != "def":
        return UNKNOWN
    if key in frame.program.files:
        return _call_own(frame, name, entry, call, node, self_value)
    return _call_library(frame, name, entry, call, node, self_value)


# --- functions of the project


def _call_own(
    frame: Frame, name: str, entry: Entry, call: Arguments, node: ast.Call, self_value: Value | None
) -> Value:
    last = name.rpartition(".")[2]
    is_exact = self_value is None or self_value[0] != "instance" or self_value[2] == EXACT
    methods = [(name, entry)]
    if not is_exact and self_value is not None:
        if len(frame.program.subclasses(self_value[1])) > MOST_SUBCLASSES:
            return UNKNOWN  # so many subclasses: it may be anything
        others = find_method(frame, self_value[1], last, is_exact=False)
        methods += [each for each in others if each[0] != name]
    result = NEVER
    for each, written in methods:
        given = _call_one(frame, each, written[1][-1], call, node, self_value)
        if len(written[1]) > 1:  # overloads, which precede the implementation
            given = call_signatures(frame.program, each, written[1], call, self_value)
        result = join(result, given)
    state = certain_state(result)
    if frame.no_grad and state & TRACKED:
        return with_state(result, state & ~TRACKED)
    return result


def _call_one(
    frame: Frame,
    name: str,
    signature: Signature,
    call: Arguments,
    node: ast.Call,
    self_value: Value | None,
) -> Value:
    frame.note_called(node, name)
    skip = 0 if self_value is None or "staticmethod" in signature[2] else 1
    taken = assign(signature, call, skip=skip)
    key, _ = split(name)
    bindings = {"Self": self_value} if self_value is not None else {}
    if not is_transparent(frame, key, signature[2]):
        return UNKNOWN
    frame.give(f"{'x' if frame.no_grad else 'c'} {name}", PLAIN, node.lineno)
    for place, value in taken or ():
        parameter, _, _, annotation = signature[0][place]
        frame.give(parameter_fact(name, parameter), value, node.lineno)
        if arrays_in(value):
            frame.note("passed", node, parameter_fact(name, parameter), plain(value))
        if annotation is not None and value[0] == "array":
            wanted = read_annotation(frame.program, key, annotation, bindings)
            note_axes(frame, name, parameter, value, wanted, node)
    if gives_back(frame, key, signature[2]):
        return UNKNOWN  # the guard converts to the library of the caller
    if signature[1] is not None:
        said = read_annotation(frame.program, key, signature[1], bindings)
        if said[0] == "list" and said[1] == "iterator" and _is_context(signature):
            return list_of(said[2], "context")
        if not is_unknown(said) and len(worlds_of(said)) <= 1:
            is_array = said[0] == "array" and bool(frame.knowledge.trained)
            state = certain_state(frame.fact(f"r {name}")) if is_array else 0
            return with_state(said, state) if state else said
    worlds = {world for value in call.values() for world in worlds_of(value)}
    if len(worlds) == 1:
        (world,) = worlds
        # all arrays are of one world: use the result that was computed for it
        narrow = frame.fact(f"w {name} {world}")
        if not is_never(narrow):
            is_sure = all(certain_world(each) == world for each in call.values() if worlds_of(each))
            return narrow if is_sure else unsure(narrow)
    return frame.fact(f"r {name}")


def _is_context(signature: Signature) -> bool:
    return any(str(each).endswith("contextmanager") for each in signature[2])


# --- functions of libraries


def _call_library(
    frame: Frame, name: str, entry: Entry, call: Arguments, node: ast.Call, self_value: Value | None
) -> Value:
    operation = frame.knowledge.operations.get(name)
    if name in frame.knowledge.keepers:
        _keep(frame, call, self_value, node)
        return NONE
    if operation is not None and operation.kind == "scalar":
        return list_of(PLAIN) if name.endswith(".tolist") else PLAIN
    if note_refused(frame, name, entry, call, node, self_value):
        return UNKNOWN
    for index, value in enumerate(call.args):
        if arrays_in(value) and reads_memory(frame, name, value):
            operand = dotted_of(node.args[index]) if index < len(node.args) else ""
            note_unreadable(frame, node, dotted_of(node.func), operand, value)
    result = _answer(frame, name, entry, call, node, self_value)
    return after_call(frame, name, call, node, self_value, result) if arrays_in(result) else result


def _answer(
    frame: Frame, name: str, entry: Entry, call: Arguments, node: ast.Call, self_value: Value | None
) -> Value:
    """Return the result of a library's function, by its stubs and by its operations."""
    operation = frame.knowledge.operations.get(name)
    learn_from(frame, name, entry, call, node, self_value)
    result = call_signatures(frame.program, name, entry[1], call, self_value)
    if operation is not None:
        note_operation(frame, name, call, node, self_value)
        if operation.kind == "import" and self_value is None:
            return frame.knowledge.array_of(operation.world)
    if is_unknown(result) or not arrays_in(result):
        return result
    if not _is_sure(frame, call, self_value):
        result = unsure(result)
    world = split(name)[0].partition(".")[0]
    others = {each for value in call.values() for each in arrays_in(value)} - {world}
    if others and world in worlds_of(result) and operation is None:
        return UNKNOWN
    return unsure(result) if _may_be_handed_on(entry, call, self_value) else result


def _is_sure(frame: Frame, call: Arguments, self_value: Value | None) -> bool:
    """Return whether the library's own code surely answers: no subclass, and not a number's method."""
    knowledge = frame.knowledge
    if self_value is not None and self_value[0] == "array" and not knowledge.is_sure(self_value):
        return False
    return all(each[0] != "array" or knowledge.is_plain(each) for each in call.values())


def _may_be_handed_on(entry: Entry, call: Arguments, self_value: Value | None) -> bool:
    """Return whether a function that accepts array-likes gets an object, or an unknown value.

    NumPy calls a method of the same name if the object has one: ``np.repeat(series)`` returns a
    series.
    """
    if self_value is not None or not call.args:
        return False
    first = call.args[0]
    is_object = first[0] == "instance" and not first[1].startswith("builtins:")
    if not is_object and not is_unknown(first):
        return False
    return any("Array" in name for each in entry[1] if each[0] for name in names_in(each[0][0][3]))


def _keep(frame: Frame, call: Arguments, self_value: Value | None, node: ast.Call) -> None:
    """Record the attribute that ``self.register_buffer("name", value)`` makes."""
    name = node.args[0] if node.args else None
    if self_value is None or self_value[0] != "instance" or not isinstance(name, ast.Constant):
        return
    values = [*call.args[1:2], *(value for each, value in call.kwargs if each != "name")]
    for value in values[:1]:
        frame.give(f"a {self_value[1]}.{name.value!s}", value, node.lineno)


# --- classes and their instances


def _construct(frame: Frame, cls: str, call: Arguments, node: ast.Call) -> Value:
    key, last = split(cls)
    if key == "builtins":
        if last == "super":
            return _super(frame)
        found = call_python(last, call, lambda value: iterated(frame, value))
        return value_of_class(frame.program, cls) if found is None else found
    if cls == "collections:defaultdict":
        return ("dict", NEVER, ())
    if cls in {"collections:deque", "collections:OrderedDict"}:
        item = iterated(frame, call.args[0]) if call.args else NEVER
        return list_of(item, "deque") if last == "deque" else ("dict", item, ())
    knowledge = frame.knowledge
    world = frame.program.world_of_class(cls)
    for name, entry in find_method(frame, cls, "__init__", is_exact=True)[:1]:
        is_strict = knowledge.is_strict(name) or name in knowledge.only
        if is_strict and not frame.program.is_own(name):
            note_refused(frame, name, entry, call, node, knowledge.instance_of(cls))
    if world is not None and not frame.program.is_own(cls):
        value = knowledge.instance_of(cls)
        for source in arrays_in(call.args[0]) if call.args else ():
            if source != world[0] and world[1]:
                shown = f"{world[0]}.{last}"
                frame.note("cross", node, dotted_of(node.args[0]), (shown, source, world[0], False))
        return value
    if cls.endswith(":device") and node.args:
        given = call.args[0]
        return ("instance", cls, given[2] if given[0] == "instance" else None)
    for base in frame.program.mro(cls):
        if base in knowledge.chains:
            return (
                "instance",
                cls,
                ("tuple", *call.args) if call.args and not call.is_open else None,
            )
        if base in knowledge.holders:
            held = join_all(iterated(frame, each) for each in call.args)
            return ("instance", cls, None if is_never(held) else held)
    value = knowledge.instance_of(cls)
    if frame.program.is_own(cls):
        _initialise(frame, cls, call, node, value)
    return value


def _super(frame: Frame) -> Value:
    owner = frame.unit.owner
    if not owner:
        return UNKNOWN
    above = frame.program.mro(owner)[1:]
    return ("instance", above[0], EXACT) if above else UNKNOWN


def _initialise(frame: Frame, cls: str, call: Arguments, node: ast.Call, value: Value) -> None:
    """Pass the arguments of a call on to a class's ``__init__``, or to its fields."""
    for name, entry in find_method(frame, cls, "__init__", is_exact=True):
        if frame.program.is_own(name):
            _call_one(frame, name, entry[1][-1], call, node, value)
            return
    written = frame.program.entry(cls)
    if written is None or written[0] != "class":
        return
    decorators: set[Expr] = {each[1] if tag_of(each) == "call" else each for each in written[3]}
    is_tuple = any(base.endswith(":NamedTuple") for base in frame.program.mro(cls))
    if not decorators & _DATACLASSES and not is_tuple:
        return
    fields = [name for name, each in written[2].items() if each[0] == "var" and each[1] is not None]
    for name, given in (*zip(fields, call.args, strict=False), *call.kwargs):
        frame.give(f"a {cls}.{name}", given, node.lineno)


def _call_instance(frame: Frame, atom: Value, call: Arguments, node: ast.Call) -> Value:
    cls = atom[1]
    knowledge = frame.knowledge
    name = "forward" if knowledge.is_module(cls) else "__call__"
    if any(
        base in knowledge.chains for base in frame.program.mro(cls)
    ) and not frame.program.is_own(cls):
        if atom[2] in {None, EXACT}:
            return UNKNOWN
        for each in atom[2][1:]:
            call = Arguments((call_value(frame, each, call, node),))
        return call.args[0] if call.args else UNKNOWN
    methods = find_method(frame, cls, name, is_exact=True)
    if not methods:  # or one that only subclasses have
        methods = find_method(frame, cls, name, is_exact=atom[2] == EXACT)[:1]
    return _call_function(frame, methods[0][0], call, node, atom) if methods else UNKNOWN


def iterated(frame: Frame, value: Value) -> Value:
    """Return the items of a loop over a value."""

    def take(atom: Value) -> Value:
        if atom[0] == "array":
            row = frame.knowledge.row_of(atom[1])
            return row if frame.knowledge.is_plain(atom) else unsure(row)
        if atom[0] == "instance" and not atom[1].startswith("builtins:"):
            if atom[1].endswith("Dict"):
                return UNKNOWN  # iterating over a ModuleDict yields its keys
            held: Value = atom[2] or EXACT
            if held != EXACT:
                return item_of(held) if held[0] == "tuple" else held
            held = container_of(frame, atom)
            if held[0] != "?":
                return iterate(held)
            return _own_iterator(frame, atom)
        return iterate(atom)

    return map_atoms(value, take)


def _own_iterator(frame: Frame, atom: Value) -> Value:
    """Return the items from ``__iter__`` or ``__getitem__`` of the project's own class."""
    if not frame.program.is_own(atom[1]):
        return UNKNOWN
    for name in ("__iter__", "__getitem__"):
        found = find_method(frame, atom[1], name, is_exact=True)
        if found and frame.program.is_own(found[0][0]):
            given = frame.fact(f"r {found[0][0]}")
            return iterate(given) if name == "__iter__" else given
    return UNKNOWN
