"""Descriptions of values: world, dtype, axes and device, but never the numbers in an array.

Descriptions are hashable, so that equal calls can be counted, and can be written as JSON. This
module uses the standard library only, until the first array.

| description | value |
|---|---|
| ``("array", world, dtype, shape, device)`` | an array |
| ``("scalar", world, dtype)`` | a scalar of an array library |
| ``("int", value)`` | an int that may be a size; -1 for any other |
| ``("none",)`` | None |
| ``("items", class, items)`` | a list or tuple of values; without arrays, only the distinct items |
| ``("dict", class, pairs)`` | a dict with string keys, some of whose values hold arrays |
| ``("object", module, class)`` | any other value |
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, Literal, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["Described", "DescribedArray", "Describer"]

DescribedArray = tuple[Literal["array"], str, str, tuple[int, ...], str]
DescribedScalar = tuple[Literal["scalar"], str, str]
DescribedInt = tuple[Literal["int"], int]
DescribedNone = tuple[Literal["none"]]
DescribedItems = tuple[Literal["items"], str, tuple["Described", ...]]
DescribedDict = tuple[Literal["dict"], str, tuple[tuple[str, "Described"], ...]]
DescribedObject = tuple[Literal["object"], str, str]
DescribedPlain = DescribedScalar | DescribedInt | DescribedNone | DescribedObject
Described: TypeAlias = "DescribedArray | DescribedItems | DescribedDict | DescribedPlain"

_MOST_ITEMS: Final = 64
"""Longer containers are described by their class only: items would cost more than the call."""

_SOME_INT: Final[DescribedInt] = ("int", -1)

_LARGEST_SIZE: Final = 1 << 20
_DEEPEST: Final = 4


class Describer:
    """Describes values. There is one for each process."""

    def __init__(self) -> None:
        self._ways: dict[type, Callable[[Any, int], Described]] = {
            type(None): lambda _value, _depth: ("none",),
            int: _describe_int,
            list: self._describe_items,
            tuple: self._describe_items,
            dict: self._describe_dict,
        }
        self._dtypes: dict[Any, str] = {}
        self._devices: dict[Any, str] = {}

    def describe(self, value: object, depth: int = 0) -> Described:
        """Return the description of a value."""
        try:
            way = self._ways.get(type(value))
        except Exception:  # noqa: BLE001 - a class has no hash if its metaclass defines `==`
            return self._way_of(value)(value, depth)
        if way is None:
            # The first value of a class decides how values of the class are described.
            way = self._ways[type(value)] = self._way_of(value)
        return way(value, depth)

    def _way_of(self, value: Any) -> Callable[[Any, int], Described]:
        kind = _class_of(value)
        other: Described = ("object", _module_of(kind), kind.__qualname__)
        if isinstance(value, type) or not (hasattr(kind, "shape") and hasattr(kind, "dtype")):
            return lambda _value, _depth: other
        from sekisho.worlds import dtype_name, find_world  # noqa: PLC0415 - the program uses arrays

        world = find_world(value)
        if world is None:
            return lambda _value, _depth: other
        name = world.name
        if world.is_scalar(value):
            return lambda value, _depth: ("scalar", name, dtype_name(value.dtype))
        dtypes, devices, device_of = self._dtypes, self._devices, world.device

        def describe_array(value: Any, _depth: int) -> Described:
            try:
                dtype, device = value.dtype, device_of(value)
                named = dtypes.get(dtype)
                if named is None:
                    named = dtypes[dtype] = dtype_name(dtype)
                place = devices.get(device)
                if place is None:
                    place = devices[device] = world.device_name(value)
                return "array", name, named, tuple(value.shape), place
            except Exception:  # noqa: BLE001 - nested tensors have no shape, traced ones no device
                return other

        return describe_array

    def _describe_items(self, value: Any, depth: int) -> Described:
        kind = _class_of(value)
        if len(value) > _MOST_ITEMS or depth > _DEEPEST:
            return "object", _module_of(kind), kind.__qualname__
        describe, deeper = self.describe, depth + 1
        items = [describe(each, deeper) for each in value]
        if any(map(_holds_array, items)):
            return "items", kind.__qualname__, tuple(items)
        # Without arrays, neither the number nor the order of items matters, and no int is a size.
        plain = {_SOME_INT if each[0] == "int" else each for each in items}
        return "items", kind.__qualname__, tuple(sorted(plain) if len(plain) > 1 else plain)

    def _describe_dict(self, value: Any, depth: int) -> Described:
        if len(value) > _MOST_ITEMS or depth > _DEEPEST or not all(type(k) is str for k in value):
            return "object", "builtins", "dict"
        describe, deeper = self.describe, depth + 1
        pairs = [(key, describe(each, deeper)) for key, each in value.items()]
        if not any(_holds_array(each) for _, each in pairs):
            return "object", "builtins", "dict"
        return "dict", "dict", tuple(pairs)


def _class_of(value: object) -> Any:
    return type(value)


def _module_of(kind: Any) -> str:
    # A class made by calling `type` in code without a name has no module.
    return str(getattr(kind, "__module__", ""))


def _describe_int(value: int, _depth: int) -> Described:
    return ("int", value) if 0 <= value < _LARGEST_SIZE else _SOME_INT


def _holds_array(said: Described) -> bool:
    if said[0] == "items":
        return any(map(_holds_array, said[2]))
    if said[0] == "dict":
        return any(_holds_array(each) for _, each in said[2])
    return said[0] == "array"
