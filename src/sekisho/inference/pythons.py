"""Infer Python's own functions and containers, whose stubs are not on every machine."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Final

from sekisho.inference.containers import item_of
from sekisho.inference.values import (
    BOOL,
    FLOAT,
    INT,
    NEVER,
    NONE,
    PLAIN,
    STR,
    UNKNOWN,
    Value,
    atoms,
    instance,
    is_never,
    join,
    join_all,
    list_of,
    map_atoms,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from sekisho.inference.overloads import Arguments

__all__ = ["call_method", "call_python", "iterate", "mutated"]

_PLAIN: Final = {
    **dict.fromkeys(("len", "id", "hash", "ord"), INT),
    **dict.fromkeys(
        ("isinstance", "issubclass", "callable", "hasattr", "any", "all", "bool"), BOOL
    ),
    **dict.fromkeys(("repr", "str", "chr", "format", "input", "ascii", "bin", "hex", "oct"), STR),
    "int": INT,
    "float": FLOAT,
    "complex": instance("builtins:complex"),
    "print": NONE,
    "setattr": NONE,
    "delattr": NONE,
    "range": list_of(INT, "range"),
    "bytes": instance("builtins:bytes"),
    "bytearray": instance("builtins:bytearray"),
    "slice": instance("builtins:slice"),
    "type": UNKNOWN,
    "object": PLAIN,
    "open": PLAIN,
}

_TEXT: Final = {
    **dict.fromkeys(("split", "rsplit", "splitlines"), list_of(STR)),
    **dict.fromkeys(("partition", "rpartition"), ("tuple", STR, STR, STR)),
    **dict.fromkeys(("find", "index", "count", "rfind"), INT),
    **dict.fromkeys(("startswith", "endswith", "isdigit", "isalpha", "isupper", "islower"), BOOL),
    "encode": instance("builtins:bytes"),
}

_COLLECTORS: Final = {
    "list": "list",
    "set": "set",
    "frozenset": "set",
    "iter": "iterator",
    "sorted": "list",
}
_SCALARS: Final = frozenset(
    {"int", "float", "bool", "complex", "str", "bytes", "NoneType", "object"}
)


def iterate(value: Value) -> Value:
    """Return the items of a loop over one of Python's own values; UNKNOWN for others."""

    def take(atom: Value) -> Value:
        if atom[0] == "dict":
            return STR if atom[2] else UNKNOWN
        if atom[0] == "instance" and atom[1] == "builtins:bytes":
            return INT
        return item_of(atom)

    return map_atoms(value, take)


def call_python(name: str, call: Arguments, iterated: Callable[[Value], Value]) -> Value | None:
    """Return the result of a function or class of `builtins`; None if it is not known here.

    Args:
        name: its name.
        call: the arguments.
        iterated: returns the items of a loop over a value.
    """
    args = call.args
    if name in _PLAIN:
        return _PLAIN[name]
    if name in _COLLECTORS:
        item = iterated(args[0]) if args else UNKNOWN if call.is_open else NEVER
        return list_of(item, _COLLECTORS[name])
    if name in _SHAPED:
        return _SHAPED[name](call, iterated)
    return None


def _tuple(call: Arguments, iterated: Callable[[Value], Value]) -> Value:
    if not call.args:
        return ("tuple",)
    if call.args[0][0] == "tuple":
        return call.args[0]
    return list_of(iterated(call.args[0]), "tuple")


def _zip(call: Arguments, iterated: Callable[[Value], Value]) -> Value:
    if call.is_open:
        if call.args or call.rest[0] not in {"tuple", "list", "array"}:
            return list_of(UNKNOWN, "iterator")
        if call.rest[0] == "tuple":  # zip(*pairs): the firsts, and the seconds
            return ("tuple", *(list_of(each, "tuple") for each in call.rest[1:]))
        return list_of(list_of(iterated(call.rest), "tuple"), "iterator")
    return list_of(("tuple", *map(iterated, call.args)), "iterator")


def _enumerate(call: Arguments, iterated: Callable[[Value], Value]) -> Value:
    item = iterated(call.args[0]) if call.args else UNKNOWN
    return list_of(("tuple", INT, item), "iterator")


def _same_items(call: Arguments, iterated: Callable[[Value], Value]) -> Value:
    return list_of(iterated(call.args[-1]) if call.args else UNKNOWN, "iterator")


def _one_of(call: Arguments, iterated: Callable[[Value], Value]) -> Value:
    if call.is_open or not call.args:
        return UNKNOWN
    found = iterated(call.args[0]) if len(call.args) == 1 else join_all(call.args)
    default = dict(call.kwargs).get("default", NEVER)
    return join(found, default)


def _next(call: Arguments, iterated: Callable[[Value], Value]) -> Value:
    if not call.args:
        return UNKNOWN
    return join(iterated(call.args[0]), call.args[1] if len(call.args) > 1 else NEVER)


def _sum(call: Arguments, iterated: Callable[[Value], Value]) -> Value:
    if not call.args:
        return UNKNOWN
    item = iterated(call.args[0])  # the initial 0 is gone after the first addition
    return item if item[0] in {"array", "instance"} else UNKNOWN


def _arithmetic(call: Arguments, _iterated: Callable[[Value], Value]) -> Value:
    if not call.args:
        return UNKNOWN
    return call.args[0] if call.args[0][0] in {"array", "instance"} else UNKNOWN


def _dict(call: Arguments, iterated: Callable[[Value], Value]) -> Value:
    if call.is_open or len(call.args) > 1:
        return ("dict", UNKNOWN, ())
    rest = NEVER
    if call.args:
        if call.args[0][0] == "dict":
            rest = join_all([call.args[0][1], *(each for _, each in call.args[0][2])])
        else:
            pair = iterated(call.args[0])
            rest = pair[2] if pair[0] == "tuple" and len(pair) == 3 else UNKNOWN  # noqa: PLR2004 - a pair
    return ("dict", rest, tuple(sorted(call.kwargs, key=repr)))


_SHAPED: Final[dict[str, Callable[[Arguments, Callable[[Value], Value]], Value]]] = {
    "tuple": _tuple,
    "zip": _zip,
    "enumerate": _enumerate,
    "reversed": _same_items,
    "filter": _same_items,
    "min": _one_of,
    "max": _one_of,
    "next": _next,
    "sum": _sum,
    "abs": _arithmetic,
    "round": _arithmetic,
    "pow": _arithmetic,
    "dict": _dict,
}


_OF_CONTAINERS: Final = frozenset(
    {
        *("close", "join", "put", "put_nowait", "send", "task_done", "throw"),
        *(name for cls in (list, tuple, set, frozenset, deque) for name in dir(cls)),
    }
)
"""The methods of what a list stands for: sequences, sets, queues and generators."""


def call_method(value: Value, name: str, call: Arguments) -> Value:
    """Return the result of a method of one of Python's containers, strings or numbers."""
    tag = value[0]
    if tag == "dict":
        return _call_dict(value, name, call)
    if tag in {"list", "tuple"}:
        if name in {"pop", "popleft", "popitem", "__getitem__", "__next__", "get", "get_nowait"}:
            return item_of(value)
        if name in {"copy", "union", "intersection", "difference", "__iter__"}:
            return value
        if name in {"index", "count", "__len__"}:
            return INT
        # What no container has shows that an annotation does not hold: of an array, x.expand(3).
        return NONE if name in _OF_CONTAINERS else UNKNOWN
    last = value[1].partition(":")[2]
    if last == "str":
        return _TEXT.get(name, STR)
    return PLAIN if last in _SCALARS else UNKNOWN


def _call_dict(value: Value, name: str, call: Arguments) -> Value:
    every = join_all([value[1], *(each for _, each in value[2])])
    if name == "values":
        return list_of(every, "iterator")
    if name == "items":
        return list_of(("tuple", STR if value[2] else UNKNOWN, every), "iterator")
    if name == "keys":
        return list_of(STR if value[2] else UNKNOWN, "iterator")
    if name in {"get", "pop", "setdefault"}:
        # without a default, assume that `pop` and `setdefault` find their key
        default = call.args[1] if len(call.args) > 1 else NONE if name == "get" else NEVER
        found = every if not is_never(every) else UNKNOWN
        return join(found, default)
    return value if name == "copy" else NONE if name in {"update", "clear"} else UNKNOWN


def mutated(value: Value, name: str, call: Arguments) -> Value | None:
    """Return a container after a method has changed it; None if the method does not."""
    if (
        name not in {"append", "add", "appendleft", "insert", "extend", "update", "put"}
        or not call.args
    ):
        return None
    given = call.args[-1]

    def change(atom: Value) -> Value:
        if atom[0] == "list":
            item = iterate(given) if name in {"extend", "update"} else given
            return ("list", atom[1], join(atom[2], item))
        if atom[0] == "dict" and name == "update":
            if given[0] == "dict":
                known = {**dict(atom[2]), **dict(given[2])}
                return ("dict", join(atom[1], given[1]), tuple(sorted(known.items(), key=repr)))
            return ("dict", UNKNOWN, ())
        return atom

    if not any(atom[0] in {"list", "dict"} for atom in atoms(value)):
        return None
    return map_atoms(value, change)
