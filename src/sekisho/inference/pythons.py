"""Infer Python's own functions and containers, whose stubs are not on every machine."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Final

from sekisho.inference.containers import item_of
from sekisho.inference.value_types import (
    BOOL,
    FLOAT,
    INT,
    NEVER,
    NONE,
    PLAIN,
    STR,
    UNKNOWN,
    Key,
    Value,
    dict_of,
    instance,
    list_of,
    tuple_of,
)
from sekisho.inference.values import atoms, is_never, join, join_all, map_atoms

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from sekisho.inference.overloads import Arguments

__all__ = ["call_method", "call_python", "iterate", "mutated"]

_PLAIN: Final[dict[str, Value]] = {
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

_TEXT: Final[dict[str, Value]] = {
    **dict.fromkeys(("split", "rsplit", "splitlines"), list_of(STR)),
    **dict.fromkeys(("partition", "rpartition"), tuple_of([STR, STR, STR])),
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
        match atom:
            case ("dict", _, known):
                return STR if known else UNKNOWN
            case ("instance", "builtins:bytes", _):
                return INT
            case _:
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
        return tuple_of(())
    if call.args[0][0] == "tuple":
        return call.args[0]
    return list_of(iterated(call.args[0]), "tuple")


def _zip(call: Arguments, iterated: Callable[[Value], Value]) -> Value:
    if call.is_open:
        if call.args:
            return list_of(UNKNOWN, "iterator")
        match call.rest:
            case ("tuple", items):  # zip(*pairs): the firsts, and the seconds
                return tuple_of(list_of(each, "tuple") for each in items)
            case ("list" | "array", *_):
                return list_of(list_of(iterated(call.rest), "tuple"), "iterator")
            case _:
                return list_of(UNKNOWN, "iterator")
    return list_of(tuple_of(map(iterated, call.args)), "iterator")


def _enumerate(call: Arguments, iterated: Callable[[Value], Value]) -> Value:
    item = iterated(call.args[0]) if call.args else UNKNOWN
    return list_of(tuple_of([INT, item]), "iterator")


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
        return dict_of(UNKNOWN)
    rest: Value = NEVER
    if call.args:
        match call.args[0]:
            case ("dict", others, known):
                rest = join_all([others, *(each for _, each in known)])
            case pairs:
                rest = _value_in(iterated(pairs))
    return dict_of(rest, dict(call.kwargs))


def _value_in(pair: Value) -> Value:
    match pair:
        case ("tuple", (_, value)):
            return value
        case _:
            return UNKNOWN


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
    match value:
        case ("dict", rest, known):
            return _call_dict(value, rest, known, name, call)
        case ("list" | "tuple", *_):
            return _call_sequence(value, name)
        case ("instance", "builtins:str", _):
            return _TEXT.get(name, STR)
        case ("instance", cls, _):
            return PLAIN if cls.partition(":")[2] in _SCALARS else UNKNOWN
        case _:
            return UNKNOWN


_TAKING: Final = frozenset(
    {"pop", "popleft", "popitem", "__getitem__", "__next__", "get", "get_nowait"}
)


def _call_sequence(value: Value, name: str) -> Value:
    if name in _TAKING:
        return item_of(value)
    if name in {"copy", "union", "intersection", "difference", "__iter__"}:
        return value
    if name in {"index", "count", "__len__"}:
        return INT
    # What no container has shows that an annotation does not hold: of an array, x.expand(3).
    return NONE if name in _OF_CONTAINERS else UNKNOWN


def _call_dict(
    value: Value, rest: Value, known: Sequence[tuple[Key, Value]], name: str, call: Arguments
) -> Value:
    every = join_all([rest, *(each for _, each in known)])
    if name == "values":
        return list_of(every, "iterator")
    if name == "items":
        return list_of(tuple_of([STR if known else UNKNOWN, every]), "iterator")
    if name == "keys":
        return list_of(STR if known else UNKNOWN, "iterator")
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
        match atom, given:
            case (("list", kind, item), _):
                added = iterate(given) if name in {"extend", "update"} else given
                return list_of(join(item, added), kind)
            case (("dict", rest, known), ("dict", others, more)) if name == "update":
                return dict_of(join(rest, others), {**dict(known), **dict(more)})
            case (("dict", *_), _) if name == "update":
                return dict_of(UNKNOWN)
            case _:
                return atom

    if not any(atom[0] in {"list", "dict"} for atom in atoms(value)):
        return None
    return map_atoms(value, change)
