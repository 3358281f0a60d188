"""The lattice of values: how they are joined, changed and kept small; `value_types` says which there are."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Final

from sekisho.inference.value_types import (
    NEVER,
    OPEN,
    UNKNOWN,
    ArrayValue,
    ConstantParameter,
    DictValue,
    ExactParameter,
    Pairs,
    Parameter,
    UnknownValue,
    Value,
    array,
    dict_of,
    held_in,
    instance,
    list_of,
    tuple_of,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from typing_extensions import TypeIs  # in `typing` since Python 3.13

__all__ = [
    "arrays_in",
    "atoms",
    "bounded",
    "is_known",
    "is_never",
    "is_unknown",
    "join",
    "join_all",
    "join_known",
    "map_arrays",
    "map_atoms",
    "perhaps_number",
    "plain",
    "unsure",
    "with_state",
    "without_axes",
]

_MOST: Final = 8
"""Maximum number of alternatives of a union; larger ones become unknown."""

_DEEPEST: Final = 4
"""Maximum nesting of containers. It bounds what a recursive function can build."""


def with_state(value: Value, state: int) -> Value:
    """Give each array in a value a state; an array that may be something else stays so."""
    if value[0] == "tuple":
        return tuple_of(with_state(each, state) for each in value[1])

    def change(held: ArrayValue) -> Value:
        tag, world, is_array, axes, kind, before = held
        return tag, world, is_array, axes, kind, state | before & OPEN

    return map_arrays(value, change)


def atoms(value: Value) -> tuple[Value, ...]:
    """Return the alternatives of a value."""
    if value[0] == "union":
        return value[1]
    return () if is_never(value) else (value,)


def is_never(value: Value) -> bool:
    """Return whether no value has reached this place yet."""
    return value[0] == "never"


def is_unknown(value: Value) -> TypeIs[UnknownValue]:
    """Return whether a value may be anything."""
    return value[0] == "?"


def is_known(value: Value) -> bool:
    """Return whether something is known of a value."""
    tag = value[0]
    return tag not in {"?", "never"}


_joined: dict[tuple[Value, Value], Value] = {}


def join(a: Value, b: Value) -> Value:
    """Return the union of two values; an unknown value absorbs all others."""
    if a is b or is_never(b):
        return a
    if is_never(a):
        return b
    key = (a, b)
    found = _joined.get(key)
    if found is None:
        if len(_joined) > 200_000:  # noqa: PLR2004 - some 50 MB
            _joined.clear()
        found = _joined[key] = a if a == b else _merge([*atoms(a), *atoms(b)])
    return found


def join_all(values: Iterable[Value]) -> Value:
    """Return the union of many values."""
    result: Value = NEVER
    for value in values:
        result = join(result, value)
    return result


def join_known(a: Value, b: Value) -> Value:
    """Return the union of values from several places, where known arrays outweigh unknown values.

    Parameters and attributes use it: calls from outside of the program cannot be seen, so the
    visible ones count as the rule. No finding relies on such a value: its `is_array` is False.
    """
    if a[0] == "?":
        return unsure(b) if arrays_in(b) else UNKNOWN if not is_never(b) else a
    if b[0] == "?":
        return unsure(a) if arrays_in(a) else UNKNOWN if not is_never(a) else b
    return join(a, b)


def unsure(value: Value) -> Value:
    """Return a value whose arrays may each be a single number, or something else."""
    return map_arrays(value, _unsure)


def _unsure(held: ArrayValue) -> ArrayValue:
    tag, world, _, axes, kind, _ = held
    return tag, world, False, axes, kind, OPEN


def perhaps_number(value: Value) -> Value:
    """Mark each array in a value as one that may be a number."""
    return map_arrays(value, _perhaps_number)


def _perhaps_number(held: ArrayValue) -> ArrayValue:
    tag, world, _, axes, kind, state = held
    return tag, world, False, axes, kind, state


def _merge(alternatives: list[Value]) -> Value:
    merged: dict[object, Value] = {}
    for atom in alternatives:
        if atom[0] == "?":
            return UNKNOWN
        key = _likeness(atom)
        before = merged.get(key)
        merged[key] = atom if before is None else _blend(before, atom)
    if len(merged) > _MOST:
        return UNKNOWN
    if len(merged) == 1:
        (only,) = merged.values()
        return only
    # sorted, so that equal unions are equal tuples
    return ("union", tuple(sorted(merged.values(), key=repr)))


def _likeness(atom: Value) -> object:
    """Return the key by which alternatives are merged into one."""
    match atom[0]:
        case "array":
            return "array", atom[1], atom[4]
        case "list" | "instance":
            return atom[:2]
        case "tuple":
            return "tuple", len(atom[1])
        case "dict":
            return "dict"
        case _:
            return atom


def _blend(a: Value, b: Value) -> Value:
    """Merge two alternatives with the same likeness."""
    if a == b:
        return a
    match a, b:
        case (
            ("array", world, is_array, axes, kind, state),
            ("array", _, is_too, others, _, other),
        ):
            # certain of both; but one that is open makes the union open
            both = state & other | (state | other) & OPEN
            return array(
                world,
                is_array=is_array and is_too,
                axes=axes if axes == others else "",
                kind=kind,
                state=both,
            )
        case (("list", kind, mine), ("list", _, theirs)):
            return bounded(list_of(join(mine, theirs), kind))
        case (("tuple", mine), ("tuple", theirs)):
            return bounded(tuple_of(map(join, mine, theirs)))
        case (("instance", cls, mine), ("instance", _, theirs)):
            return instance(cls, _blend_parameters(mine, theirs))
        case (("dict", rest, mine), ("dict", others, theirs)):
            left, right = dict(mine), dict(theirs)
            known = {
                key: join(left.get(key, NEVER), right.get(key, NEVER)) for key in {*left, *right}
            }
            return bounded(dict_of(join(rest, others), known))
        case _:
            return a


def _blend_parameters(a: Parameter, b: Parameter) -> Value | None:
    """Merge two parameters: constants are not kept, and what is held is joined."""
    a, b = held_in(a), held_in(b)
    return None if a is None or b is None else join(a, b)


def _inside(value: Value) -> Iterator[Value]:
    """Yield the items of a container, or the alternatives of a union."""
    match value[0]:
        case "list":
            yield value[2]
        case "tuple" | "union":
            yield from value[1]
        case "dict":
            yield value[1]
            for _, each in value[2]:
                yield each
        case _:
            pass


def map_atoms(value: Value, change: Callable[[Value], Value]) -> Value:
    """Apply a function to each alternative, and join the results."""
    if value[0] != "union":
        return value if is_never(value) else change(value)
    result: Value = NEVER
    for atom in value[1]:
        result = join(result, change(atom))
    return result


def map_arrays(value: Value, change: Callable[[ArrayValue], Value]) -> Value:
    """Apply a function to each array among the alternatives of a value, and join the results."""
    return map_atoms(value, lambda atom: change(atom) if atom[0] == "array" else atom)


def plain(value: Value) -> Value:
    """Return a value without the places where it was bound, for use in other functions."""
    tag = value[0]
    if tag == "?":
        return UNKNOWN
    return value if tag in _SIMPLE else bounded(value)


_bounded: dict[Value, Value] = {}
_LARGEST: Final = 48
"""Maximum number of values inside a value; larger ones become unknown."""


def bounded(value: Value) -> Value:
    """Return a value unless it is too large: a loop could build ever larger ones."""
    if value[0] in _SIMPLE:
        return value
    found = _bounded.get(value)
    if found is None:
        if len(_bounded) > 200_000:  # noqa: PLR2004 - some 50 MB
            _bounded.clear()
        fits = _size(value, _DEEPEST + 1) <= _LARGEST
        found = _bounded[value] = _without_origins(value) if fits else UNKNOWN
    return found


def _without_origins(value: Value) -> Value:
    """Remove the places where values were bound, which have no meaning elsewhere."""
    match value:
        case ("?", *_):
            return UNKNOWN
        case ("list", kind, item):
            return list_of(_without_origins(item), kind)
        case ("tuple", items):
            return tuple_of(map(_without_origins, items))
        case ("union", items):
            return "union", tuple(map(_without_origins, items))
        case ("dict", rest, known):
            return "dict", _without_origins(rest), _without_origins_in(known)
        case ("instance", name, parameter):
            held = held_in(parameter)
            return value if held is None else instance(name, _without_origins(held))
        case ("gives", given):
            return "gives", _without_origins(given)
        case ("bound", name, owner):
            return "bound", name, _without_origins(owner)
        case ("partial", function, (_, args), (_, rest, kwargs)):
            named: DictValue = "dict", _without_origins(rest), _without_origins_in(kwargs)
            return (
                "partial",
                _without_origins(function),
                tuple_of(map(_without_origins, args)),
                named,
            )
        case _:
            return value


def _without_origins_in(known: Pairs) -> Pairs:
    return tuple((key, _without_origins(each)) for key, each in known)


_SIMPLE: Final = frozenset({"array", "?", "never", "class", "function", "module"})


def _size(value: Value | ConstantParameter | ExactParameter, depth: int) -> int:
    if depth == 0:
        return _LARGEST + 1
    total = 1
    for each in _parts(value):
        if each is not None:
            total += _size(each, depth - 1)
            if total > _LARGEST:
                break
    return total


def _parts(value: Value | ConstantParameter | ExactParameter) -> Sequence[Parameter]:
    """Return the values that a value is made of."""
    match value[0]:
        case "list" | "bound" | "instance":
            return value[2:]
        case "tuple" | "union":
            return value[1]
        case "gives" | "partial":
            return value[1:]
        case "dict":
            return (value[1], *(each for _, each in value[2]))
        case _:
            return ()


def without_axes(value: ArrayValue) -> ArrayValue:
    """Return an array of the same world without axes and state."""
    tag, world, is_array, _, kind, _ = value
    return tag, world, is_array, "", kind, 0


def arrays_in(value: Value) -> tuple[str, ...]:
    """Return the worlds of all arrays in a value, at any depth."""
    if value[0] == "array":
        return (value[1],)
    return _arrays_in(value) if value[0] in _CONTAINERS else ()


_CONTAINERS: Final = frozenset({"list", "tuple", "dict", "union"})


@lru_cache(maxsize=100_000)
def _arrays_in(value: Value) -> tuple[str, ...]:
    return tuple(sorted({world for each in _inside(value) for world in arrays_in(each)}))
