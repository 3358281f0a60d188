"""Determine what a call of an operation did: which value crossed, from where to where.

There is a reader for each kind of operation, which inspects the arguments and the result of a call.
It returns None for most calls, because nothing crossed. It must be fast, so it tests for exact
classes first.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple, cast

import numpy as np

from sekisho.worlds import HOST, Library, OperationKind, foreign_world

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["PLAIN", "Operation", "Seen", "class_of", "is_no_array", "make_reader"]


class Operation(NamedTuple):
    """An operation of a library.

    Attributes:
        world: the library's world.
        kind: what it does.
        name: its name in `World.operations`.
        label: its name in a log.
        number: unique among all operations that were ever wrapped.
    """

    world: Library
    kind: OperationKind
    name: str
    label: str
    number: int

    @property
    def is_method(self) -> bool:
        """Whether it is a method, so that its first argument is an array of the library."""
        holder = self.name.rpartition(".")[0].rpartition(".")[2]
        return bool(holder == self.world.array_type().__name__)


class Seen(NamedTuple):
    """What a call did.

    Attributes:
        value: the array that crossed; None for a wait.
        source: the world of `value`.
        crossed: the new array; `value` itself for Python numbers; the device's name for a wait.
        target: the world of `crossed`; None for Python.
        nbytes: number of bytes that crossed.
        is_list: whether `value` is the first item of a list of arrays.
    """

    value: Any
    source: Library
    crossed: Any
    target: Library | None
    nbytes: int
    is_list: bool = False


class_of: Final = cast("Callable[[Any], type[Any]]", type)
"""`type` with one argument, annotated so that type checkers can follow it."""

_DEEP: Final = 8
"""Maximum depth to search nested lists for arrays."""

PLAIN: Final = frozenset(
    {int, float, bool, complex, str, bytes, slice, type(None), type(...), np.bool_, np.float64}
)
"""Common classes of values that are not arrays, tested first."""


def is_no_array(kind: type[Any]) -> bool:
    """Return whether a class is one of `PLAIN`; a class of another metaclass may not be hashable."""
    return type(kind) is type and kind in PLAIN


def make_reader(operation: Operation) -> Callable[[Any, Any, Any], Seen | None]:
    """Make the reader for calls of an operation."""
    world, name = operation.world, operation.name
    match operation.kind:
        case "import":
            return _imports(
                world, at=int(operation.is_method), makes_itself=name.endswith(".__init__")
            )
        case "export":
            return _exports(world)
        case "scalar":
            return _scalars(world)
        case "move":
            return _moves(world, at=int(name.endswith("copy_")))
        case "compute":
            return _operands(world)
        case _:
            return lambda args, _kwargs, _result: Seen(
                None, world, world.waits_for(name, args), world, 0
            )


def _imports(world: Library, *, at: int, makes_itself: bool) -> Callable[..., Seen | None]:
    own, host_class = world.array_type(), HOST.array_type()

    def read(args: Any, kwargs: Any, result: Any) -> Seen | None:
        # The array may be a keyword argument, whose name depends on the function.
        value = args[at] if len(args) > at else next(iter(kwargs.values()), None)
        kind = class_of(value)
        if kind is own or is_no_array(kind):
            return None
        source: Library = HOST
        is_list = False
        # Only look into lists, and at other worlds, if it is not simply a NumPy array.
        if kind is not host_class:
            depth = 0
            while (kind is list or kind is tuple) and value and depth < _DEEP:
                value, is_list, depth = value[0], True, depth + 1
                kind = class_of(value)
            if kind is own or kind is list or kind is tuple or is_no_array(kind):
                return None
            found = foreign_world(value, world)
            if found is None:
                return None
            source = found
        # `__init__` returns None, so the new object is `self`.
        crossed = args[0] if makes_itself else result
        return Seen(value, source, crossed, world, world.nbytes(crossed), is_list)

    return read


def _exports(world: Library) -> Callable[..., Seen | None]:
    host_class = HOST.array_type()

    def read(args: Any, _kwargs: Any, result: Any) -> Seen | None:
        value = args[0] if args else None
        kind = class_of(result)
        if kind is host_class:
            nbytes = result.nbytes
        elif kind.__name__ == "PyCapsule":  # DLPack: the consumer will make the array
            result, nbytes = value, world.nbytes(value)
        else:
            return None
        return Seen(value, world, result, HOST, nbytes) if world.owns(value) else None

    return read


def _scalars(world: Library) -> Callable[..., Seen | None]:
    def read(args: Any, _kwargs: Any, _result: Any) -> Seen | None:
        value = args[0]
        return Seen(value, world, value, None, world.nbytes(value))

    return read


def _moves(world: Library, *, at: int) -> Callable[..., Seen | None]:
    def read(args: Any, _kwargs: Any, result: Any) -> Seen | None:
        if len(args) <= at:
            return None
        # `copy_` moves its argument into `self`; the other operations return the moved tensor.
        value, crossed = args[at], args[0] if at else result
        if not world.owns(value) or value is crossed or value.device == crossed.device:
            return None
        return Seen(value, world, crossed, world, world.nbytes(value))

    return read


def _operands(world: Library) -> Callable[..., Seen | None]:
    own = world.array_type()

    def read(args: Any, _kwargs: Any, result: Any) -> Seen | None:
        for each in args[1:]:
            kind = class_of(each)
            if kind is own or is_no_array(kind):
                continue
            for item in each if kind is tuple else (each,):
                if is_no_array(class_of(item)):
                    continue
                # After NotImplemented, Python asks the other operand, which computes the result.
                source = foreign_world(item, world)
                if source is not None and result is not NotImplemented:
                    return Seen(item, source, item, world, source.nbytes(item))
        return None

    return read
