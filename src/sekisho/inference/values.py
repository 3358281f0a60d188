"""What is known of values before the program runs: a small lattice.

A value is a tuple whose first item is its tag:

- ``("never",)``: no value has reached this place yet;
- ``("?",)``, or ``("?", name, line, column)`` where it was bound: it may be anything;
- ``("array", world, is_array, axes, class, state)``: an array of a world. `is_array` is False if it
  may be a single number of the library; `axes` are those of its annotation; `class` is its
  subclass; `state` is the sum of what is certain of it: `GRAD`, `TRACKED`, `DEVICE`, `PLACED`,
  `OPEN`;
- ``("list", kind, item)``: a list, set, deque, iterator, ...; ``("tuple", item, item, ...)``;
- ``("dict", rest, ((key, value), ...))``: the values under constant keys, and under all others;
- ``("instance", class, parameter)``: of a class of Python's, the project's or a library's; the
  parameter is what a container of modules holds, or ``("const", True)``;
- ``("gives", value)``: a function that gives this; ``("applied", function)``: one that gets a context, too;
  ``("takes", world)``: one that takes a world's arrays; ``("partial", function, args, kwargs)``;
- ``("class", class)``, ``("function", function)``, ``("bound", function, self)``, ``("module", module)``;
- ``("union", value, value, ...)``: one of these.

Classes and functions are named ``module:name``. All values are hashable, and can be written to
disk.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

__all__ = [
    "BOOL",
    "CONSTANTS",
    "DEVICE",
    "FLOAT",
    "GRAD",
    "INT",
    "NEVER",
    "NONE",
    "OPEN",
    "PLACED",
    "PLAIN",
    "STR",
    "TRACKED",
    "UNKNOWN",
    "Value",
    "array",
    "arrays_in",
    "atoms",
    "bounded",
    "instance",
    "is_known",
    "is_never",
    "is_unknown",
    "join",
    "join_all",
    "join_known",
    "list_of",
    "map_atoms",
    "perhaps_number",
    "plain",
    "text_constant",
    "unsure",
    "with_state",
    "without_axes",
]

Value = tuple[Any, ...]

UNKNOWN: Final[Value] = ("?",)
NEVER: Final[Value] = ("never",)


def instance(name: str, parameter: Value | None = None) -> Value:
    """Return an instance of a class."""
    return ("instance", name, parameter)


GRAD: Final = 1
"""It is a leaf that requires grad, whether or not gradients are on."""
TRACKED: Final = 8
"""It was computed from arrays that require grad, so it does, too, where gradients are on."""
DEVICE: Final = 2
"""Its memory is not on the host."""
PLACED: Final = 4
"""An explicit call has moved it to its device."""

OPEN: Final = 16
"""It may be something else, since not all values assigned to it are known."""

NONE: Final = instance("builtins:NoneType")
BOOL: Final = instance("builtins:bool")
INT: Final = instance("builtins:int")
FLOAT: Final = instance("builtins:float")
STR: Final = instance("builtins:str")
CONSTANTS: Final = {each: instance("builtins:bool", ("const", each)) for each in (True, False)}
PLAIN: Final = instance("builtins:object")
"""A value of a Python class that holds no arrays; nothing more is known of it."""

_DEVICES: Final = ("cuda", "mps", "xpu")


def text_constant(value: str) -> Value:
    """Return a string value; names of devices other than the host are kept."""
    return instance("builtins:str", ("const", value)) if value.startswith(_DEVICES) else STR


_MOST: Final = 8
"""Maximum number of alternatives of a union; larger ones become unknown."""

_DEEPEST: Final = 4
"""Maximum nesting of containers. It bounds what a recursive function can build."""


def array(
    world: str, *, is_array: bool = True, axes: str = "", kind: str = "", state: int = 0
) -> Value:
    """Return an array of a world; `kind` is its subclass."""
    return ("array", world, is_array, axes, kind, state)


def with_state(value: Value, state: int) -> Value:
    """Give each array in a value a state; an array that may be something else stays so."""
    if value[0] == "tuple":
        return ("tuple", *(with_state(each, state) for each in value[1:]))
    return map_atoms(
        value, lambda atom: (*atom[:5], state | atom[5] & OPEN) if atom[0] == "array" else atom
    )


def list_of(item: Value, kind: str = "list") -> Value:
    """Return a container of many items of one value."""
    return ("list", kind, item)


def atoms(value: Value) -> tuple[Value, ...]:
    """Return the alternatives of a value."""
    if value[0] == "union":
        return value[1:]
    return () if is_never(value) else (value,)


def is_never(value: Value) -> bool:
    """Return whether no value has reached this place yet."""
    return bool(value[0] == "never")


def is_unknown(value: Value) -> bool:
    """Return whether a value may be anything."""
    return bool(value[0] == "?")


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
    result = NEVER
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
    return map_atoms(
        value,
        lambda atom: (*atom[:2], False, *atom[3:5], OPEN) if atom[0] == "array" else atom,
    )


def perhaps_number(value: Value) -> Value:
    """Mark each array in a value as one that may be a number."""
    return map_atoms(value, lambda a: (*a[:2], False, *a[3:]) if a[0] == "array" else a)


def _merge(alternatives: list[Value]) -> Value:
    merged: dict[Any, Value] = {}
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
    return ("union", *sorted(merged.values(), key=repr))


def _likeness(atom: Value) -> Any:
    """Return the key by which alternatives are merged into one."""
    tag = atom[0]
    if tag == "array":
        return tag, atom[1], atom[4]
    if tag == "list":
        return tag, atom[1]
    if tag == "tuple":
        return tag, len(atom)
    if tag == "dict":
        return tag
    if tag == "instance":
        return tag, atom[1]
    return atom


def _blend(a: Value, b: Value) -> Value:
    tag = a[0]
    if a == b:
        return a
    if tag == "array":
        axes = a[3] if a[3] == b[3] else ""
        # certain of both; but one that is open makes the union open
        state = a[5] & b[5] | (a[5] | b[5]) & OPEN
        return ("array", a[1], a[2] and b[2], axes, a[4], state)
    if tag == "list":
        return bounded(("list", a[1], join(a[2], b[2])))
    if tag == "tuple":
        return bounded(("tuple", *map(join, a[1:], b[1:])))
    if tag == "instance":
        mine, theirs = a[2], b[2]
        if mine is None or theirs is None or "const" in {mine[0], theirs[0]}:
            return "instance", a[1], None
        return "instance", a[1], join(mine, theirs)
    if tag == "dict":
        left, right = dict(a[2]), dict(b[2])
        keys = sorted({*left, *right}, key=repr)
        both = tuple((key, join(left.get(key, NEVER), right.get(key, NEVER))) for key in keys)
        return bounded(("dict", join(a[1], b[1]), both))
    return a


def _inside(value: Value) -> Iterator[Value]:
    """Yield the items of a container, or the alternatives of a union."""
    tag = value[0]
    if tag == "list":
        yield value[2]
    elif tag in {"tuple", "union"}:
        yield from value[1:]
    elif tag == "dict":
        yield value[1]
        for _, each in value[2]:
            yield each


def map_atoms(value: Value, change: Callable[[Value], Value]) -> Value:
    """Apply a function to each alternative, and join the results."""
    if value[0] != "union":
        return value if is_never(value) else change(value)
    result = NEVER
    for atom in value[1:]:
        result = join(result, change(atom))
    return result


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
    if value[0] == "?":
        return UNKNOWN
    if value[0] == "dict":
        pairs: tuple[tuple[Any, Value], ...] = value[2]
        known = tuple((key, _without_origins(each)) for key, each in pairs)
        return "dict", _without_origins(value[1]), known
    parts: list[Any] = list(value)
    return tuple(_without_origins(each) if each.__class__ is tuple else each for each in parts)


_SIMPLE: Final = frozenset({"array", "?", "never", "class", "function", "module"})


def _size(value: Value, depth: int) -> int:
    if depth == 0:
        return _LARGEST + 1
    tag = value[0]
    if tag in {"list", "bound", "instance"}:
        inner = value[2:3]
    elif tag in {"tuple", "union", "gives", "partial"}:
        inner = value[1:]
    elif tag == "dict":
        inner = (value[1], *(each for _, each in value[2]))
    else:
        return 1
    total = 1
    for each in inner:
        if each is not None:
            total += _size(each, depth - 1)
            if total > _LARGEST:
                break
    return total


def without_axes(value: Value) -> Value:
    """Return an array of the same world without axes and state."""
    return (*value[:3], "", value[4], 0)


def arrays_in(value: Value) -> tuple[str, ...]:
    """Return the worlds of all arrays in a value, at any depth."""
    tag = value[0]
    if tag == "array":
        return (value[1],)
    return _arrays_in(value) if tag in _CONTAINERS else ()


_CONTAINERS: Final = frozenset({"list", "tuple", "dict", "union"})


@lru_cache(maxsize=100_000)
def _arrays_in(value: Value) -> tuple[str, ...]:
    return tuple(sorted({world for each in _inside(value) for world in arrays_in(each)}))
