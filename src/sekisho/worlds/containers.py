"""Containers of arrays: their items one by one, and the same container if none has changed."""

from __future__ import annotations

import copy
from collections import abc
from typing import TYPE_CHECKING, Any

from sekisho.worlds.dtypes import class_of

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence

__all__ = [
    "CheckedIterable",
    "flatten",
    "iterate_checked",
    "nests_deeper",
    "with_collected",
    "with_fields",
    "with_items",
    "with_leaves",
    "with_values",
]


def with_items(container: Any, items: Sequence[Any]) -> Any:
    """A sequence of the same type with these items; the same object if they are its own."""
    if all(new is old for new, old in zip(items, container, strict=True)):
        return container
    kind = class_of(container)
    if hasattr(kind, "_make"):  # a NamedTuple
        return kind._make(items)
    if kind is list:
        return list(items)
    if hasattr(kind, "__getnewargs__"):  # some kind of tuple
        return kind(items)
    changed = copy.copy(container)
    for index, item in enumerate(items):
        changed[index] = item
    return changed


def with_collected(collection: Any, items: Sequence[Any]) -> Any:
    """The same collection with these items, in order; the same object if they are its own.

    A view of a dict is one again. What cannot be made anew of its items (a set of arrays, whose
    class nobody knows how to call) is a list of them.
    """
    kind = class_of(collection)
    if issubclass(kind, abc.ItemsView):
        same = all(new[1] is old[1] for new, old in zip(items, collection, strict=True))
        return collection if same else dict(items).items()
    if all(new is old for new, old in zip(items, collection, strict=True)):
        return collection
    if issubclass(kind, abc.ValuesView):
        return dict(enumerate(items)).values()
    return with_items(collection, items) if issubclass(kind, abc.Sequence) else list(items)


def with_values(mapping: Any, values: Mapping[Any, Any]) -> Any:
    """A mapping of the same type with these values; the same object if they are its own."""
    if all(value is mapping[key] for key, value in values.items()):
        return mapping
    if class_of(mapping) is dict:
        return {**mapping, **values}
    changed = copy.copy(mapping)
    for key, value in values.items():
        changed[key] = value
    return changed


def with_fields(record: Any, fields: Mapping[str, Any]) -> Any:
    """A record of the same type with these fields; the same object if they are its own."""
    if isinstance(record, dict):
        return with_values(record, fields)
    changed_fields = {n: value for n, value in fields.items() if value is not getattr(record, n)}
    if not changed_fields:
        return record
    if hasattr(record, "_replace"):  # a NamedTuple
        return record._replace(**changed_fields)
    changed = copy.copy(record)
    for name, value in changed_fields.items():
        # The class's own __setattr__ refuses where it is frozen.
        object.__setattr__(changed, name, value)
    return changed


def with_leaves(value: Any, change: Callable[[Any], Any]) -> Any:
    """Nested dicts, lists and tuples of the same types with everything inside changed."""
    kind = class_of(value)
    if issubclass(kind, dict):
        return with_values(value, {key: with_leaves(each, change) for key, each in value.items()})
    if issubclass(kind, (list, tuple)):
        return with_items(value, [with_leaves(each, change) for each in value])
    return change(value)


def flatten(
    container: Any, parts_of: Callable[[Any], list[Any] | None] | None = None
) -> Iterator[Any]:
    """Everything inside nested dicts, lists and tuples, in order; once, if one holds itself.

    Args:
        container: where it is.
        parts_of: what else has parts, and which; None as its answer is what has none.
    """
    seen: set[int] = set()
    waiting: list[Any] = [container]
    while waiting:
        value = waiting.pop()
        if issubclass(class_of(value), (dict, list, tuple)):
            is_dict = issubclass(class_of(value), dict)  # torch.max gives a tuple with `values`
            items = list(value.values() if is_dict else value)
        else:
            parts = None if parts_of is None else parts_of(value)
            if parts is None:
                yield value
                continue
            items = parts
        if id(value) not in seen:
            seen.add(id(value))
            waiting.extend(reversed(items))


def nests_deeper(container: Any, levels: int) -> bool:
    """Whether dicts, lists and tuples nest deeper than so many levels, or one contains itself."""
    level = [container]
    for _ in range(levels):
        inside = [each for each in level if issubclass(class_of(each), (dict, list, tuple))]
        # One of each: what many share is looked at once.
        level = list(
            {
                id(item): item
                for each in inside
                for item in (each.values() if issubclass(class_of(each), dict) else each)
            }.values()
        )
        if not inside:
            return False
    return True


def iterate_checked(iterator: Any, check: Callable[[int, Any], Any]) -> Any:
    """The same items, each checked as it is taken; asynchronous if the iterator is."""
    if hasattr(iterator, "__anext__"):
        return _iterate_async(iterator, check)
    return (check(index, item) for index, item in enumerate(iterator))


async def _iterate_async(
    iterator: AsyncIterator[Any], check: Callable[[int, Any], Any]
) -> AsyncIterator[Any]:
    index = 0
    async for item in iterator:
        yield check(index, item)
        index += 1


class CheckedIterable:
    """What can be iterated again and again, its items checked each time as they are taken.

    All else is the iterable's own: its length, its attributes.
    """

    __slots__ = ("_check", "_iterable")

    def __init__(self, iterable: Any, check: Callable[[int, Any], Any]) -> None:
        self._iterable = iterable
        self._check = check

    def __iter__(self) -> Iterator[Any]:
        checked: Iterator[Any] = iterate_checked(iter(self._iterable), self._check)
        return checked

    def __aiter__(self) -> AsyncIterator[Any]:
        checked: AsyncIterator[Any] = iterate_checked(aiter(self._iterable), self._check)
        return checked

    def __reversed__(self) -> Iterator[Any]:
        checked: Iterator[Any] = iterate_checked(reversed(self._iterable), self._check)
        return checked

    def __len__(self) -> int:
        return len(self._iterable)

    def __bool__(self) -> bool:
        return bool(self._iterable)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._iterable, name)

    def __repr__(self) -> str:
        return repr(self._iterable)

    def __reduce__(self) -> tuple[Any, ...]:
        return _same, (self._iterable,)  # in another process nobody checks


def _same(iterable: Any) -> Any:
    return iterable
