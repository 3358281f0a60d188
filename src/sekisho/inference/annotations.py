"""Read annotations as values."""

from __future__ import annotations

import ast
from functools import lru_cache
from typing import TYPE_CHECKING, Final

from sekisho.code import Expr, constant_in, lower_expr
from sekisho.inference.program import SPECIAL, Program, split
from sekisho.inference.value_types import (
    CONSTANTS,
    NEVER,
    NONE,
    UNKNOWN,
    ArrayValue,
    Value,
    array,
    dict_of,
    instance,
    list_of,
    text_constant,
    tuple_of,
)
from sekisho.inference.values import join_all, map_arrays

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["names_in", "read_annotation", "value_of_class", "variable"]

Bindings = "Mapping[str, Value]"

_ITERABLES: Final = {
    **{name: name.lower() for name in ("List", "Set", "FrozenSet", "Deque")},
    **dict.fromkeys(
        ("Iterable", "Sequence", "Collection", "MutableSequence", "Reversible"), "sequence"
    ),
    **dict.fromkeys(
        ("Iterator", "Generator", "AsyncIterator", "AsyncGenerator", "AsyncIterable"), "iterator"
    ),
    **dict.fromkeys(("AbstractSet", "MutableSet", "KeysView", "ValuesView"), "set"),
    **{name: name for name in ("list", "set", "frozenset", "deque", "range")},
}
_MAPPINGS: Final = frozenset(
    {"dict", "Dict", "Mapping", "MutableMapping", "OrderedDict", "DefaultDict", "defaultdict"}
)
_WRAPPERS: Final = frozenset(
    {"Final", "ClassVar", "Required", "NotRequired", "ReadOnly", "InitVar"}
)
_ANYTHING: Final = frozenset(
    {
        "Any",
        "Callable",
        "Type",
        "type",
        "Protocol",
        "Concatenate",
        "Incomplete",
        "object",
        "Hashable",
    }
)
_DEEPEST: Final = 24
_NO_BINDINGS: Final[dict[str, Value]] = {}


def read_annotation(
    program: Program, key: str, expr: Expr, bindings: Mapping[str, Value] | None = None
) -> Value:
    """Return the value that an annotation allows.

    Args:
        program: the program that resolves its names.
        key: the module that contains it.
        expr: the annotation.
        bindings: the values of type variables, and of ``Self``.

    Returns:
        UNKNOWN if it says nothing about arrays, but may allow one.
    """
    if expr is None:
        return UNKNOWN
    if bindings and not names_in(expr).isdisjoint(bindings):
        return _read(program, key, expr, bindings, 0)
    at = (key, expr)
    found = program.annotations.get(at)
    if found is None:
        found = program.annotations[at] = _read(program, key, expr, _NO_BINDINGS, 0)
    return found


@lru_cache(maxsize=50_000)
def names_in(expr: Expr) -> frozenset[str]:
    """Return the names in an annotation, as far as they are written out."""
    match expr:
        case str(name) | ("const", str(name)):
            return frozenset({name})
        case ("[]", base, items):
            parts = (base, *items)
        case ("|", left, right):
            parts = (left, right)
        case ("()", items):
            parts = items
        case _:
            parts = ()
    return frozenset(name for each in parts for name in names_in(each))


def _read(
    program: Program, key: str, expr: Expr, bindings: Mapping[str, Value], depth: int
) -> Value:
    if depth > _DEEPEST:
        return UNKNOWN
    match expr:
        case str():
            return _read_name(program, key, expr, bindings, depth)
        case ("const", None):
            return NONE
        case ("const", str(text)):
            return _read_text(program, key, text, bindings, depth)
        case ("|", *sides):
            return join_all([_read(program, key, each, bindings, depth + 1) for each in sides])
        case ("[]", str(base), items):
            return _read_subscript(program, key, base, items, bindings, depth + 1)
        case _:
            return UNKNOWN


def _read_text(
    program: Program, key: str, text: str, bindings: Mapping[str, Value], depth: int
) -> Value:
    try:
        node = ast.parse(text.strip(), mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return UNKNOWN
    return _read(program, key, lower_expr(node), bindings, depth + 1)


def _read_name(
    program: Program, key: str, dotted: str, bindings: Mapping[str, Value], depth: int
) -> Value:
    if dotted in bindings:
        return bindings[dotted]
    match program.dotted(key, dotted):
        case ("class", cls):
            return value_of_class(program, cls, bindings)
        case ("variable", module, name):
            return _read_alias(program, module, name, bindings, depth + 1)
        case _:
            return UNKNOWN


def _read_alias(
    program: Program, key: str, name: str, bindings: Mapping[str, Value], depth: int
) -> Value:
    """Read a name that is assigned: an alias, or a type variable."""
    table = program.table(key)
    entry = table.names.get(name) if table is not None else None
    if entry is None or entry[0] != "var" or name in bindings:
        return bindings.get(name, UNKNOWN)
    match entry[2]:
        case ("call", str(maker), args, keywords):
            last = maker.rpartition(".")[2]
            if last == "TypeVar":
                return _read_type_variable(program, key, args[1:], dict(keywords), bindings, depth)
            if last == "NewType" and len(args) == 2:  # noqa: PLR2004 - its name and its type
                return _read(program, key, args[1], bindings, depth)
            return UNKNOWN
        case value:
            return _read(program, key, value, bindings, depth)


def _read_type_variable(
    program: Program,
    key: str,
    constraints: tuple[Expr, ...],
    keywords: Mapping[str | None, Expr],
    bindings: Mapping[str, Value],
    depth: int,
) -> Value:
    if "bound" in keywords:
        return _read(program, key, keywords["bound"], bindings, depth)
    if not constraints:
        default = keywords.get("default")
        return _read(program, key, default, bindings, depth) if default is not None else UNKNOWN
    return join_all(_read(program, key, each, bindings, depth) for each in constraints)


def value_of_class(
    program: Program, name: str, bindings: Mapping[str, Value] | None = None
) -> Value:
    """Return an instance of a class; an array, if the class is the array class of a world."""
    module, last = split(name)
    if module in SPECIAL:
        return _special(last, (), bindings or {}, module)
    found = program.world_of_class(name)
    if found is not None:
        kind = "" if name in program.array_classes else name
        return array(found[0], is_array=found[1], kind=kind)
    if any(base in {"typing:Protocol", "typing_extensions:Protocol"} for base in program.mro(name)):
        return UNKNOWN if program.member(name, "__call__") is None else instance(name)
    if last == "Array" and module.partition(".")[0] == "sekisho":
        return join_all(array(world.name) for world in program.worlds if world.is_resident)
    if module.partition(".")[0] in program.unread:
        return UNKNOWN  # may be an array of a library that the project does not name
    if last in {"deque", "OrderedDict", "defaultdict", "UserDict"} and module == "collections":
        return _special(last, (), {}, module)
    return instance(name)


def _special(
    name: str, args: tuple[Value, ...], bindings: Mapping[str, Value], module: str
) -> Value:
    """Return an instance of a class of `typing` or of Python itself."""
    if name == "Self":
        return bindings.get("Self", UNKNOWN)
    if name in {"None", "NoneType"}:
        return NONE
    if name in _ITERABLES:
        return list_of(args[0] if args else UNKNOWN, _ITERABLES[name])
    if name in _MAPPINGS:
        return dict_of(args[1] if len(args) > 1 else UNKNOWN)
    if name in {"tuple", "Tuple"}:
        return list_of(args[0] if args else UNKNOWN, "tuple")
    if name in _ANYTHING or module not in SPECIAL:
        return UNKNOWN
    if name in {"NoReturn", "Never"}:
        return NEVER
    if module == "builtins":
        return instance(f"builtins:{name}")
    if name in {"Text", "AnyStr", "LiteralString"}:
        return instance("builtins:str")
    if name in {"Hashable", "Sized", "SupportsInt", "SupportsFloat", "SupportsIndex", "TypeGuard"}:
        return UNKNOWN
    return UNKNOWN


def _read_subscript(
    program: Program,
    key: str,
    base: str,
    args: tuple[Expr, ...],
    bindings: Mapping[str, Value],
    depth: int,
) -> Value:
    match program.dotted(key, base):
        case ("variable", module, name):  # a generic alias: its parameters are dtypes and shapes
            return _read_alias(program, module, name, bindings, depth)
        case ("class", cls):
            return _read_generic(program, key, cls, args, bindings, depth)
        case _:
            return UNKNOWN


def _read_generic(
    program: Program,
    key: str,
    cls: str,
    args: tuple[Expr, ...],
    bindings: Mapping[str, Value],
    depth: int,
) -> Value:
    """Read a class with arguments in brackets."""
    module, name = split(cls)
    if name == "Literal":
        return join_all(_of_constant(each) for each in args)
    if module == "jaxtyping":
        return _with_axes(program, key, args, bindings, depth)
    if name in {"Optional", "Annotated", "Union"} or name in _WRAPPERS:
        used = args[:1] if name == "Annotated" else args
        parts = [_read(program, key, each, bindings, depth) for each in used]
        return join_all([*parts, NONE] if name == "Optional" else parts)
    if name in {"tuple", "Tuple"} and module in SPECIAL:
        if len(args) == 2 and args[1] == ("const", ...):  # noqa: PLR2004 - tuple[X, ...]
            return list_of(_read(program, key, args[0], bindings, depth), "tuple")
        items = [each for each in args if each != ("()", ())]
        return tuple_of(_read(program, key, each, bindings, depth) for each in items)
    plain_class = value_of_class(program, cls, bindings)
    if plain_class[0] in {"list", "dict"}:
        values = tuple(_read(program, key, each, bindings, depth) for each in args)
        return _special(name, values, bindings, module)
    return plain_class


def _of_constant(expr: Expr) -> Value:
    match expr:
        case ("const", bool(value)):
            return CONSTANTS[value]
        case ("const", str(value)):
            return text_constant(value)
        case ("const", value):
            return NONE if value is None else instance(f"builtins:{type(value).__name__}")
        case _:
            return UNKNOWN


def _with_axes(
    program: Program, key: str, args: tuple[Expr, ...], bindings: Mapping[str, Value], depth: int
) -> Value:
    """Read ``Float[Array, "b c"]``."""
    if len(args) != 2:  # noqa: PLR2004 - the array and its axes
        return UNKNOWN
    value = _read(program, key, args[0], bindings, depth)
    axes = constant_in(args[1])
    text = " ".join(axes.split()) if isinstance(axes, str) else ""

    def note(held: ArrayValue) -> Value:
        tag, world, _, known, kind, state = held
        return tag, world, True, text or known, kind, state

    return map_arrays(value, note)


def variable(program: Program, key: str, name: str) -> Value:
    """Return the value of a module's variable, by its annotation, or by the alias that it is."""
    table = program.table(key)
    entry = table.names.get(name) if table is not None else None
    if entry is None or entry[0] != "var":
        return UNKNOWN
    if entry[1] is not None:
        said = _read(program, key, entry[1], {}, 0)
        if said != UNKNOWN:
            return said
    match entry[2]:
        case str(alias) | ("[]", str(alias), _):  # a name, or a generic class with its parameters
            match program.dotted(key, alias):
                case ("class", _) as symbol:
                    return symbol
                case ("function" | "module", _) as symbol if alias is entry[2]:
                    return symbol
                case _:
                    return UNKNOWN
        case constant:
            return _of_constant(constant)
