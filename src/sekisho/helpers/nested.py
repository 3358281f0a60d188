"""Convert the arrays inside containers and records, and keep everything else."""

from __future__ import annotations

from collections import UserDict, UserList, deque
from typing import TYPE_CHECKING, Any, Final, NoReturn

from sekisho.contract import field_names, has_fields
from sekisho.errors import ConversionError, Violation, hide_in_pytest
from sekisho.worlds import (
    Refusal,
    class_of,
    describe,
    exports_memory,
    find_world,
    is_subclass,
    registered_parts,
    short,
    with_fields,
    with_items,
    with_values,
)

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = [
    "convert_nested",
    "is_container",
    "is_nested",
    "is_mapping",
    "is_record",
    "parts_with_keys",
    "rebuilt",
    "step_to",
]

__tracebackhide__ = hide_in_pytest

_MAPPINGS: Final = (dict, UserDict)
_SEQUENCES: Final = (list, tuple, deque, UserList)


def is_nested(value: Any) -> bool:
    """Return whether a value is a container or a record, in which arrays are looked for."""
    try:
        return is_container(value) or registered_parts(value) is not None
    except Exception:  # noqa: BLE001 - the class's own function; the conversion says what it raises
        return True


def is_container(value: Any) -> bool:
    """Return whether a value is a container or a record that is not only a registered pytree."""
    cls = class_of(value)
    return is_subclass(cls, (*_MAPPINGS, *_SEQUENCES)) or has_fields(cls)


def is_mapping(container: Any) -> bool:
    """Return whether a container has its parts by key."""
    return is_subclass(class_of(container), _MAPPINGS)


def is_record(container: Any) -> bool:
    """Return whether a container has its parts by the names of fields."""
    return not is_mapping(container) and has_fields(class_of(container))


def parts_with_keys(container: Any) -> list[tuple[Any, Any]]:
    """Return the parts of a container, each with its key, the name of its field or its index."""
    if is_mapping(container):
        return list(container.items())
    if is_record(container):
        names = field_names(class_of(container))
        return [(each, getattr(container, each)) for each in names if hasattr(container, each)]
    items: list[Any] = list(container)
    return list(enumerate(items))


def step_to(container: Any, key: Any) -> str:
    """Return how code reaches a part: ``.name`` or ``['key']``."""
    return f".{key}" if is_record(container) else f"[{short(key)}]"


def rebuilt(container: Any, parts: list[tuple[Any, Any]], news: list[Any]) -> Any:
    """Return a container of the same class with new parts; the same object if all are unchanged.

    Raises:
        Refusal: if its class cannot be rebuilt.
    """
    if is_mapping(container):
        return with_values(container, parts, news)
    if is_record(container):
        names = [name for name, _ in parts]
        return with_fields(container, dict(parts), dict(zip(names, news, strict=True)))
    return with_items(container, [each for _, each in parts], news)


def convert_nested(
    value: Any,
    convert: Callable[[Any, str], Any],
    function: str,
    noun: str,
    together: Callable[[list[tuple[Any, str]]], list[Any]] | None = None,
) -> tuple[Any, int]:
    """Convert each array inside a value; return the new value, and the number of arrays in it.

    Containers keep their classes. One that has nothing to convert is returned itself, and an array that
    occurs twice is converted once. Nothing that was passed in is modified.

    Args:
        value: a dict, a list, a tuple, a record, an object whose class is registered with JAX's or
            PyTorch's pytrees, or a mixture of them to any depth.
        convert: converts an array; its second argument is where the array is: ``['image'][0]``.
        function: the name of the helper, for the message.
        noun: what the helper converts to, for the message.
        together: converts several arrays in one call; each has its place beside it. None if one
            call for each array is as fast.

    Raises:
        ConversionError: if a container contains itself, is nested too deeply or cannot be rebuilt.
    """
    walk = _Walk(convert, function, noun)
    try:
        if together is not None:
            # Look for the arrays first: nothing is rebuilt, as long as each stays what it is.
            found: list[tuple[Any, str]] = []

            def find(array: Any, path: str) -> Any:
                found.append((array, path))
                return array

            _Walk(find, function, noun).converted(value, "")
            news = together(found)
            walk.arrays = {id(a): (a, new) for (a, _), new in zip(found, news, strict=True)}
        return walk.converted(value, ""), len(walk.arrays)
    except RecursionError:
        walk.refuse(value, "", "is nested too deeply")


class _Walk:
    """One conversion of a nested value.

    Attributes:
        arrays: each array by its identity, with its conversion. The array itself is kept alive, so that no
            other object gets its identity.
    """

    def __init__(self, convert: Callable[[Any, str], Any], function: str, noun: str) -> None:
        self._convert = convert
        self._function = function
        self._noun = noun
        self._inside: list[int] = []
        self.arrays: dict[int, tuple[Any, Any]] = {}

    def converted(self, value: Any, path: str) -> Any:
        if find_world(value) is not None or (not is_container(value) and exports_memory(value)):
            if id(value) not in self.arrays:
                self.arrays[id(value)] = value, self._convert(value, path)
            return self.arrays[id(value)][1]
        if not is_container(value):
            return self._registered(value, path)
        if id(value) in self._inside:
            self.refuse(value, path, "contains itself")
        self._inside.append(id(value))
        try:
            return self._rebuilt(value, path)
        except Refusal as refusal:
            reason = refusal.reason
        finally:
            self._inside.pop()
        return self.refuse(value, path, reason)

    def _rebuilt(self, value: Any, path: str) -> Any:
        parts = parts_with_keys(value)
        news = [self.converted(each, f"{path}{step_to(value, key)}") for key, each in parts]
        return rebuilt(value, parts, news)

    def _registered(self, value: Any, path: str) -> Any:
        """Convert the parts of a registered pytree, whose own functions may raise anything."""
        try:
            found = registered_parts(value)
        except Exception as error:  # noqa: BLE001 - the class's own function
            self.refuse(value, path, f"it cannot be taken apart: {error!r}")
        if found is None:
            return value
        if id(value) in self._inside:
            self.refuse(value, path, "contains itself")
        self._inside.append(id(value))
        try:
            parts, rebuild = found
            news = [self.converted(each, f"{path}[{at}]") for at, each in enumerate(parts)]
        finally:
            self._inside.pop()
        if all(new is old for new, old in zip(news, parts, strict=True)):
            return value
        try:
            return rebuild(news)
        except Exception as error:  # noqa: BLE001 - the class's own function
            self.refuse(value, path, f"it cannot be put together: {error!r}")

    def refuse(self, value: Any, path: str, reason: str | None) -> NoReturn:
        place, got = f"argument 'x'{path}", describe(value)
        raise ConversionError(Violation(self._function, place, self._noun, got, reason)) from None
