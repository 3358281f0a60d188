"""Infer attributes of values: ``value.name``."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from sekisho.code import text_in
from sekisho.inference.annotations import read_annotation, variable
from sekisho.inference.applied import applied_in
from sekisho.inference.decorators import is_transparent
from sekisho.inference.events import MISSING, RECORD
from sekisho.inference.frame import Frame, dotted_of
from sekisho.inference.overloads import Arguments, call_signatures
from sekisho.inference.program import split
from sekisho.inference.states import derived, state_of
from sekisho.inference.value_types import (
    EXACT,
    GRAD,
    NEVER,
    UNKNOWN,
    ArrayValue,
    InstanceValue,
    Value,
    tuple_of,
)
from sekisho.inference.values import (
    arrays_in,
    atoms,
    is_known,
    is_never,
    is_unknown,
    join,
    join_all,
    join_known,
    map_atoms,
    perhaps_number,
    unsure,
    with_state,
    without_axes,
)

if TYPE_CHECKING:
    import ast
    from collections.abc import Iterable

    from sekisho.code import DefEntry, Expr
    from sekisho.inference.program import Symbol

__all__ = [
    "MOST_SUBCLASSES",
    "attribute",
    "container_of",
    "converts",
    "find_method",
    "function_of",
    "is_open",
    "is_property",
    "symbol",
]

_WEIGHTS: Final = frozenset({"weight", "bias"})
"""Parameters of a library's modules that their annotations call arrays."""
_GIVES = re.compile(r"\)\s*->\s*(\w+$|\(\w+(?:, \w+)+\)$)")
"""Finds the return type, or several, in the signature that C functions have in their ``__doc__``."""

MOST_SUBCLASSES: Final = 50
"""With more subclasses than this, a member of an instance is unknown."""


def symbol(frame: Frame, found: Symbol) -> Value:
    """Return the value of a module's name; for a variable, its annotation or its assignments."""
    if found[0] != "variable":
        return found
    _, key, name = found
    said = frame.knowledge.kept.get((key, name))
    if said is None:
        said = variable(frame.program, key, name)
        if said[0] == "?" and key not in frame.program.files:
            said = _of_library(frame, key, name)
        frame.knowledge.kept[key, name] = said
    if key in frame.program.files and said[0] not in {"class", "function", "module"}:
        fact = frame.fact(f"g {key}:{name}")
        if is_unknown(said) or (fact[0] == "array" and fact[1] in arrays_in(said)):
            return fact
    return said


def _of_library(frame: Frame, key: str, name: str) -> Value:
    table = frame.program.table(key)
    entry = table.names.get(name) if table is not None else None
    value: Expr = entry[2] if entry is not None and entry[0] == "var" else None
    if isinstance(value, str):
        first, *rest = value.split(".")
        start = frame.program.resolve(key, first)
        found = symbol(frame, start) if start is not None and start[1:] != (key, name) else UNKNOWN
        for each in rest:
            found = attribute(frame, found, each, None)
        return found
    match value:
        case ("call", _, args, _):
            return _by_docstring(frame, key, args)
        case _:
            return UNKNOWN


def _by_docstring(frame: Frame, key: str, args: Iterable[Expr]) -> Value:
    """Read the type from the arguments of ``_add_docstr(function, "norm(A) -> Tensor")``."""
    top = key.partition(".")[0]
    for text in map(text_in, args):
        given = _GIVES.search(text.strip().partition("\n")[0].strip())
        names = given[1].strip("()").split(", ") if given else [""]
        if all(frame.program.dotted(top, each)[0] == "class" for each in names):
            items = [read_annotation(frame.program, top, each) for each in names]
            return "gives", tuple_of(items) if len(items) > 1 else items[0]
    return UNKNOWN


_PROPERTIES: Final = frozenset({"property", "cached_property", "lazy_property", "abstractproperty"})


def is_property(entry: DefEntry) -> bool:
    """Return whether a function of a class is a property."""
    (_, _, decorators, _), *_ = entry[1]
    names = {each.rpartition(".")[2] for each in decorators if isinstance(each, str)}
    return not _PROPERTIES.isdisjoint(names)


def function_of(frame: Frame, owner: str, name: str, entry: DefEntry, self_value: Value) -> Value:
    """Return a function of a class, as looked up on an instance."""
    identifier = f"{owner}.{name}"
    is_own = frame.program.is_own(owner)
    *_, (_, _, decorators, _) = entry[1]
    if is_own and not is_transparent(frame, split(owner)[0], decorators):
        return UNKNOWN
    (_, returns, decorators, _), *_ = entry[1]
    if not is_property(entry):
        if "staticmethod" in decorators:
            return ("function", identifier)
        return ("bound", identifier, self_value)
    if is_own:
        key, _ = split(owner)
        said = read_annotation(frame.program, key, returns, {"Self": self_value})
        return said if is_known(said) else frame.fact(f"r {identifier}")
    given = frame.knowledge.gives.get(identifier)
    if given is not None:
        return read_annotation(frame.program, split(owner)[0], given)
    return call_signatures(frame.program, identifier, entry[1], Arguments(), self_value)


def attribute(frame: Frame, value: Value, name: str, node: ast.Attribute | None) -> Value:
    """Return the value of ``value.name``; `node` is its place, for events."""
    if value[0] == "union":
        # an alternative without the attribute would raise, so it is none of those that get here
        having = join_all(each for each in value[1] if _may_have(each, name))
        found = value if is_never(having) else having
        return map_atoms(found, lambda atom: _attribute(frame, atom, name, node, alone=False))
    return _attribute(frame, value, name, node, alone=True)


_CONTAINERS: Final = {"list": list, "dict": dict}
_SCALARS: Final = {
    f"builtins:{each.__name__}": each for each in (bool, int, float, complex, str, type(None))
}


def _may_have(atom: Value, name: str) -> bool:
    """Return whether a value may have an attribute: subclasses of Python's scalars are not expected."""
    match atom:
        case ("list", "list", _) | ("dict", _, _):
            return hasattr(_CONTAINERS[atom[0]], name)
        case ("instance", cls, _) if cls in _SCALARS:
            return hasattr(_SCALARS[cls], name)
        case _:
            return True


def _attribute(
    frame: Frame, atom: Value, name: str, node: ast.Attribute | None, *, alone: bool
) -> Value:
    match atom[0]:
        case "array":
            return _of_array(frame, atom, name, node if alone else None)
        case "instance":
            return _of_instance(frame, atom, name, node if alone else None)
        case "module":
            return symbol(frame, frame.program.attribute_of_module(atom[1], name))
        case "class":
            return _of_class(frame, atom[1], name)
        case "tuple" if not hasattr(tuple, name):
            return UNKNOWN  # a field of a named tuple
        case "list" | "tuple" | "dict":
            return ("bound", f"builtins:{atom[0]}.{name}", atom)
        case _:
            return UNKNOWN


def _of_array(frame: Frame, holder: ArrayValue, name: str, node: ast.Attribute | None) -> Value:
    program = frame.program
    knowledge = frame.knowledge
    _, world, is_array, _, kind, known_state = holder
    base = knowledge.array_class.get(world, "")
    found = program.member(kind or base, name)
    if found is None and not is_array and kind:
        found = program.member(base, name)
    # Results of members may have other axes; bound methods keep the array's.
    atom = without_axes(holder)
    if found is None:
        is_special = name.startswith("__")  # which all objects have, and stubs need not repeat
        # An item of an array may be any object; a number that a function gives is one.
        is_sure = is_array or (kind != "" and not knowledge.number_has(world, name))
        is_sure = is_sure and knowledge.is_firm(holder) and not is_special and not frame.lenient
        if node is not None and is_sure and not knowledge.may_have(world, name):
            others = [each for each in knowledge.worlds if each != world]
            having = [each for each in others if name in knowledge.members(each)]
            frame.note(MISSING, node, name, (world, dotted_of(node.value), tuple(having)))
        return UNKNOWN
    owner, entry = found
    given: Value = UNKNOWN
    if entry[0] == "def":
        given = function_of(frame, owner, name, entry, atom)
        if given[0] == "bound":
            given = ("bound", given[1], with_state(atom, known_state))
    elif entry[0] == "var" and entry[1] is not None:
        given = read_annotation(program, split(owner)[0], entry[1], {"Self": atom})
    if not knowledge.is_firm(holder):  # of what may be anything, a dtype is any library's
        return UNKNOWN if given[0] == "instance" else unsure(given)
    if not is_array:
        return perhaps_number(given)
    state = state_of(frame, holder)
    if state and given[0] == "array":
        is_differentiable = name in knowledge.worlds[world].supplement.differentiable
        return with_state(given, derived(frame, state, is_differentiable=is_differentiable))
    return given


def _of_instance(frame: Frame, atom: InstanceValue, name: str, node: ast.Attribute | None) -> Value:
    program = frame.program
    cls = atom[1]
    if cls.startswith("builtins:"):
        return ("bound", f"{cls}.{name}", atom)
    assigned = _assigned(frame, cls, name)
    found = program.member(cls, name)
    if found is None:
        if not is_never(assigned):
            return assigned
        supplement = frame.knowledge.gives.get(f"{cls}.{name}")
        if supplement is not None:
            return read_annotation(program, split(cls)[0], supplement)
        below: Value = NEVER
        for each in program.subclasses(cls)[:MOST_SUBCLASSES]:
            below = join_known(below, _below(frame, each, name))
        return below if not is_never(below) else _from_container(frame, atom, name, node)
    owner, entry = found
    if entry[0] == "def":
        if not is_never(assigned) and not is_property(entry):
            return assigned
        return _with_overrides(frame, atom, owner, name, entry)
    if entry[0] == "class":
        return ("class", f"{owner}.{name}")
    said: Value = UNKNOWN
    if entry[0] == "var" and entry[1] is not None:
        annotation = frame.knowledge.gives.get(f"{owner}.{name}", entry[1])
        said = read_annotation(program, split(owner)[0], annotation, {"Self": atom})
    if not is_unknown(said):
        is_weight = name in _WEIGHTS and said[0] == "array" and frame.knowledge.trains(cls)
        return with_state(said, GRAD) if is_weight else said
    return assigned if not is_never(assigned) else UNKNOWN


def _below(frame: Frame, cls: str, name: str) -> Value:
    """What an attribute is that a class lacks and its subclass has: assigned, or a property."""
    entry = frame.program.entry(cls)
    member = entry[2].get(name) if entry is not None and entry[0] == "class" else None
    if member is not None and member[0] == "def" and is_property(member):
        return function_of(frame, cls, name, member, ("instance", cls, None))
    return frame.fact(f"a {cls}.{name}")


def converts(frame: Frame, cls: str) -> bool:
    """Return whether code of the project runs where an attribute of a class is assigned or read."""
    own = frame.program.own_mro(cls)
    return any(_defines(frame, each, ("__getattribute__", "__setattr__")) for each in own)


def is_open(frame: Frame, cls: str) -> bool:
    """Return whether attributes of a class of the project come in other ways than assignment, too."""
    return any(
        _defines(frame, each, ("__getattr__",)) or not is_never(frame.fact(f"o {each}"))
        for each in frame.program.own_mro(cls)
    )


def _defines(frame: Frame, cls: str, names: Iterable[str]) -> bool:
    entry = frame.program.entry(cls)
    return entry is not None and entry[0] == "class" and any(each in entry[2] for each in names)


def _assigned(frame: Frame, cls: str, name: str) -> Value:
    """Return what the project assigns to an attribute anywhere; UNKNOWN if that need not be what it holds."""
    if converts(frame, cls):
        return UNKNOWN
    found: Value = NEVER
    for each in frame.program.own_mro(cls):
        found = join_known(found, frame.fact(f"a {each}.{name}"))
    return _perhaps(found) if is_open(frame, cls) else found


def _perhaps(assigned: Value) -> Value:
    """What an attribute is if code with names made at run time may set it as well.

    It sets another value of the same class, as a rule; no finding relies on it. Of Python's own classes, and of
    what is None at first, one cannot tell.
    """
    tells = False
    for each in atoms(assigned):
        match each:
            case ("array", *_):
                tells = True
            case ("instance", cls, _):
                tells = tells or not cls.startswith("builtins:")
            case _:
                return UNKNOWN
    return unsure(assigned) if tells else assigned if is_never(assigned) else UNKNOWN


def _with_overrides(
    frame: Frame, atom: InstanceValue, owner: str, name: str, entry: DefEntry
) -> Value:
    result = function_of(frame, owner, name, entry, atom)
    if result[0] == "bound" or atom[2] == EXACT:
        return result
    if len(frame.program.subclasses(atom[1])) > MOST_SUBCLASSES:
        return UNKNOWN  # so many subclasses: it may be anything
    for each in frame.program.subclasses(atom[1]):
        other = frame.program.member(each, name)
        if other is not None and other[0] == each and other[1][0] == "def":
            result = join(result, function_of(frame, each, name, other[1], atom))
    return result


def find_method(frame: Frame, cls: str, name: str, *, is_exact: bool) -> list[tuple[str, DefEntry]]:
    """Return the functions that a method call may run: those of a class and of its subclasses."""
    found = frame.program.member(cls, name)
    methods = [(f"{found[0]}.{name}", found[1])] if found and found[1][0] == "def" else []
    for each in () if is_exact else frame.program.subclasses(cls):
        other = frame.program.member(each, name)
        if other is not None and other[0] == each and other[1][0] == "def":
            methods.append((f"{each}.{name}", other[1]))
    return methods


def _of_class(frame: Frame, cls: str, name: str) -> Value:
    if name == "apply" and applied_in(frame, cls):
        return "applied", f"{cls}.forward"
    found = frame.program.member(cls, name)
    if found is None:
        return UNKNOWN
    owner, entry = found
    if entry[0] == "class":
        return ("class", f"{owner}.{name}")
    if entry[0] == "def":
        (_, _, decorators, _), *_ = entry[1]
        if "classmethod" in decorators:
            return ("bound", f"{owner}.{name}", ("class", cls))
        return ("function", f"{owner}.{name}")
    if entry[0] == "var" and entry[1] is not None:
        return read_annotation(frame.program, split(owner)[0], entry[1])
    assigned = _assigned(frame, cls, name)
    return assigned if not is_never(assigned) else UNKNOWN


def container_of(frame: Frame, atom: InstanceValue) -> Value:
    """Return the container that an instance's class extends, such as a tuple; else UNKNOWN."""
    for cls in frame.program.mro(atom[1]):
        entry = frame.program.entry(cls)
        for base in entry[1] if entry is not None and entry[0] == "class" else ():
            if isinstance(base, tuple) and base[0] == "[]":
                value = read_annotation(frame.program, split(cls)[0], base)
                if value[0] in {"list", "tuple", "dict"}:
                    return value
    return UNKNOWN


def _from_container(
    frame: Frame, atom: InstanceValue, name: str, node: ast.Attribute | None
) -> Value:
    held = container_of(frame, atom)
    if is_unknown(held):
        return UNKNOWN
    module, last = split(atom[1])
    world = module.partition(".")[0]
    is_missing = held[0] == "tuple" and world in frame.knowledge.worlds and not hasattr((), name)
    if is_missing and node is not None and not frame.lenient:
        having = [each for each in frame.knowledge.worlds if name in frame.knowledge.members(each)]
        if having:  # `tensor.max(axis=1).mean()`: it is a tuple here, and an array there
            frame.note(RECORD, node, name, (dotted_of(node.value), f"{module}.{last}", having[0]))
        return UNKNOWN
    return ("bound", f"builtins:{held[0]}.{name}", held)
