"""What is known of values before the program runs: a small lattice.

A value is a tuple whose first item is its tag. Plain tuples compare, hash and reach the disk (by
`marshal`, which refuses subclasses of tuple) at the speed of C. Each kind of value has a type below, and
`Value` is their union: a test of the tag, or a pattern, tells type checkers which parts there are::

    match value:
        case ("array", world, is_array, axes, kind, state): ...
        case ("list", kind, item): ...

Where speed matters, match ``value[0]`` and unpack the value: type checkers narrow it, too.

Classes and functions are named ``module:name``. All values are hashable.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Final, Literal, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

__all__ = [
    "BOOL",
    "CONSTANTS",
    "DEVICE",
    "EXACT",
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
    "AppliedValue",
    "ArrayValue",
    "BoundValue",
    "ClassValue",
    "ConstantParameter",
    "DictValue",
    "ExactParameter",
    "FunctionValue",
    "GivesValue",
    "InstanceValue",
    "Key",
    "ListValue",
    "ModuleValue",
    "NeverValue",
    "Origin",
    "Pairs",
    "Parameter",
    "PartialValue",
    "TakesValue",
    "TupleValue",
    "UnionValue",
    "UnknownValue",
    "Value",
    "array",
    "dict_of",
    "held_in",
    "instance",
    "list_of",
    "text_constant",
    "tuple_of",
]

NeverValue = tuple[Literal["never"]]
"""No value has reached this place yet."""

Origin = tuple[Literal["?"], str, int, int]
"""An unknown value, by the name, line and column where it was bound: its uses are collected."""

UnknownValue = tuple[Literal["?"]] | Origin
"""It may be anything."""

ArrayValue = tuple[Literal["array"], str, bool, str, str, int]
"""An array: its world; False if it may be a single number of the library; the axes of its annotation;
its subclass; the sum of what is certain of it: `GRAD`, `TRACKED`, `DEVICE`, `PLACED`, `OPEN`."""

ListValue = tuple[Literal["list"], str, "Value"]
"""A container of many items of one value. Its kind: ``"list"``, ``"set"``, ``"deque"``, ``"iterator"``, ..."""

TupleValue = tuple[Literal["tuple"], tuple["Value", ...]]
"""A tuple of known length: the value of each item."""

Key = str | int
Pairs: TypeAlias = "tuple[tuple[Key, Value], ...]"
DictValue = tuple[Literal["dict"], "Value", Pairs]
"""A dict: the value under all other keys, and those under constant keys, sorted."""

InstanceValue = tuple[Literal["instance"], str, "Parameter"]
"""An instance of a class of Python's, the project's or a library's, and what else is known of it."""

ConstantParameter = tuple[Literal["const"], str | bool]
"""The instance is this constant."""

ExactParameter = tuple[Literal["exact"]]
"""The instance is of this class and not of a subclass, as for `super`."""

Parameter: TypeAlias = "Value | ConstantParameter | ExactParameter | None"
"""What is known of an instance beside its class; a value is what it holds: the modules of a chain."""

GivesValue = tuple[Literal["gives"], "Value"]
"""A function that gives this value."""

AppliedValue = tuple[Literal["applied"], str]
"""A function that gets a context as its first argument."""

TakesValue = tuple[Literal["takes"], str]
"""A function that takes the arrays of one world."""

PartialValue = tuple[Literal["partial"], "Value", TupleValue, DictValue]
"""A function with some arguments given."""

ClassValue = tuple[Literal["class"], str]
FunctionValue = tuple[Literal["function"], str]
BoundValue = tuple[Literal["bound"], str, "Value"]
"""A method, and the object that it is of."""

ModuleValue = tuple[Literal["module"], str]

UnionValue = tuple[Literal["union"], tuple["Value", ...]]
"""One of these alternatives, which are sorted, and none of which is a union or never."""

Value: TypeAlias = (
    NeverValue
    | UnknownValue
    | ArrayValue
    | ListValue
    | TupleValue
    | DictValue
    | InstanceValue
    | GivesValue
    | AppliedValue
    | TakesValue
    | PartialValue
    | ClassValue
    | FunctionValue
    | BoundValue
    | ModuleValue
    | UnionValue
)

UNKNOWN: Final[UnknownValue] = ("?",)
NEVER: Final[NeverValue] = ("never",)
EXACT: Final[ExactParameter] = ("exact",)


def instance(name: str, parameter: Parameter = None) -> InstanceValue:
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


def held_in(parameter: Parameter) -> Value | None:
    """Return what an instance with this parameter holds; None if that is not known."""
    if parameter is None or parameter[0] == "const" or parameter[0] == "exact":
        return None
    return parameter


def text_constant(value: str) -> InstanceValue:
    """Return a string value; names of devices other than the host are kept."""
    return instance("builtins:str", ("const", value)) if value.startswith(_DEVICES) else STR


def array(
    world: str, *, is_array: bool = True, axes: str = "", kind: str = "", state: int = 0
) -> ArrayValue:
    """Return an array of a world; `kind` is its subclass."""
    return ("array", world, is_array, axes, kind, state)


def list_of(item: Value, kind: str = "list") -> ListValue:
    """Return a container of many items of one value."""
    return ("list", kind, item)


def tuple_of(items: Iterable[Value]) -> TupleValue:
    """Return a tuple with these items."""
    return ("tuple", tuple(items))


def dict_of(rest: Value, known: Mapping[Key, Value] = MappingProxyType({})) -> DictValue:
    """Return a dict with values under constant keys, and one under all others."""
    # sorted, so that equal dicts are equal tuples
    return ("dict", rest, tuple(sorted(known.items(), key=lambda pair: repr(pair[0]))))
