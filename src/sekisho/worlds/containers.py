"""Rebuild containers of arrays with converted items; return the same object if none changed."""

from __future__ import annotations

from collections import OrderedDict, abc
from functools import partial
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

from sekisho.worlds.dtypes import class_of, is_subclass
from sekisho.worlds.policy import Refusal
from sekisho.worlds.rebuilding import rebuilt
from sekisho.worlds.tracing import is_compiling

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


def with_items(container: Any, olds: Sequence[Any], items: Sequence[Any]) -> Any:
    """Return a sequence of the same type with these items; the same object if all are unchanged.

    Args:
        container: the sequence. It is not changed.
        olds: its items, as they were read.
        items: the new items.

    Raises:
        Refusal: if its class cannot be rebuilt.
    """
    if all(new is old for new, old in zip(items, olds, strict=True)):
        return container
    kind = class_of(container)
    if kind is list:
        return list(items)
    if kind is tuple:
        return tuple(items)
    if hasattr(kind, "_make") and not hasattr(container, "__dict__"):  # a NamedTuple
        return kind._make(items)
    changed = rebuilt(container, dict(enumerate(zip(olds, items, strict=True))))
    _require(changed, olds, items)
    return changed


def with_collected(collection: Any, olds: Sequence[Any], items: Sequence[Any]) -> Any:
    """Return a collection with these items, in order; the same object if all are unchanged.

    A view of a dict becomes a view of a new dict. A set becomes a list, because arrays are not
    hashable by value.

    Raises:
        Refusal: if its class cannot be rebuilt.
    """
    kind = class_of(collection)
    if is_subclass(kind, abc.ItemsView):
        if all(new[1] is old[1] for new, old in zip(items, olds, strict=True)):
            return collection
        try:
            made = dict(items)
        except TypeError:
            raise Refusal("has a key without a hash, and a view is made of a dict") from None
        if len(made) < len(items):
            raise Refusal("has a key twice, and a view is made of a dict")
        return made.items()
    if all(new is old for new, old in zip(items, olds, strict=True)):
        return collection
    if is_subclass(kind, abc.ValuesView):
        return dict(enumerate(items)).values()
    return list(items) if is_subclass(kind, abc.Set) else with_items(collection, olds, items)


def with_values(mapping: Any, olds: Sequence[tuple[Any, Any]], values: Sequence[Any]) -> Any:
    """Return a mapping of the same type with these values; the same object if all are unchanged.

    Args:
        mapping: the mapping. It is not changed.
        olds: its keys and values, as they were read. A key that occurs twice is listed twice.
        values: the new values, in the same order.

    Raises:
        Refusal: if its class cannot be rebuilt.
    """
    if all(new is old for new, (_, old) in zip(values, olds, strict=True)):
        return mapping
    keys = [key for key, _ in olds]
    kind = class_of(mapping)
    # An OrderedDict may have attributes, like torch's `state_dict`, but a compiler cannot read
    # them.
    if kind is dict:
        return dict(zip(keys, values, strict=True))
    if kind is OrderedDict and (is_compiling() or not mapping.__dict__):
        return OrderedDict(zip(keys, values, strict=True))
    pairs = [(old, new) for (_, old), new in zip(olds, values, strict=True)]
    # A dict finds a value by its key; other mappings may have a key twice, or unhashable keys.
    places = keys if isinstance(mapping, (dict, MappingProxyType)) else range(len(keys))
    changed = rebuilt(mapping, dict(zip(places, pairs, strict=True)))
    found = list(changed.items())
    if [key for key, _ in found] != keys:
        raise Refusal(_NOT_REPLACED)
    _require([value for _, value in found], [old for _, old in olds], values)
    return changed


_NOT_REPLACED: Final = (
    "cannot be made anew with converted items: its class makes them as they are read"
)


def _require(changed: Any, olds: Sequence[Any], items: Sequence[Any]) -> None:
    """Raise a `Refusal` unless the new container has the new items and none of the old ones."""
    found = list(changed)
    # An item that occurs twice in the original is replaced by the first of its new versions.
    firsts: dict[int, Any] = {}
    for old, new in zip(olds, items, strict=True):
        if new is not old:
            firsts.setdefault(id(old), new)
    if len(found) != len(items) or any(
        each is not new and (new is old or each is not firsts[id(old)])
        for each, old, new in zip(found, olds, items, strict=True)
    ):
        raise Refusal(_NOT_REPLACED)


def with_fields(record: Any, olds: Mapping[str, Any], fields: Mapping[str, Any]) -> Any:
    """Return a record of the same type with these fields; the same object if all are unchanged.

    No method of its class runs: values computed by ``__post_init__`` stay as they are, and values
    cached by `functools.cached_property` are dropped.

    Args:
        record: a dict, a NamedTuple, or an object with attributes. It is not changed.
        olds: its fields, as they were read.
        fields: the new values by name.

    Raises:
        Refusal: if its class cannot be rebuilt.
    """
    if all(new is olds[name] for name, new in fields.items()):
        return record
    if class_of(record) is dict:
        return {**record, **fields}
    if hasattr(record, "_replace") and not hasattr(record, "__dict__"):  # a NamedTuple
        return record._replace(**fields)
    names: Any = getattr(record, "_fields", ()) if issubclass(class_of(record), tuple) else ()
    given = {
        names.index(name) if name in names else name: (olds[name], new)
        for name, new in fields.items()
    }
    changed = rebuilt(record, given)
    read: Any = changed.__getitem__ if isinstance(record, dict) else partial(getattr, changed)
    if any(new is not olds[name] and read(name) is not new for name, new in fields.items()):
        raise Refusal(
            "cannot be made anew with converted fields: its class makes them as they are read"
        )
    return changed


def with_leaves(value: Any, change: Callable[[Any], Any]) -> Any:
    """Change every value inside nested dicts, lists and tuples, and keep their types.

    Args:
        value: a container or a single value. It is not changed.
        change: called with each value that is not a dict, list or tuple; returns the new value.

    Raises:
        Refusal: if a container that must change contains itself or cannot be rebuilt.
    """
    try:
        return _with_leaves(value, change, (), [])
    except RecursionError:
        raise Refusal("is nested too deeply") from None


def _with_leaves(
    value: Any, change: Callable[[Any], Any], inside: tuple[Any, ...], cyclic: list[Any]
) -> Any:
    kind = class_of(value)
    if not issubclass(kind, (dict, list, tuple)):
        return change(value)
    # Compare by identity, not by `id`: a torch compiler traces this code.
    if any(value is each for each in inside):
        cyclic.append(value)
        return value
    around = (*inside, value)
    is_dict = issubclass(kind, dict)
    pairs = list(value.items()) if is_dict else []
    olds = [each for _, each in pairs] if is_dict else list(value)
    news = [_with_leaves(each, change, around, cyclic) for each in olds]
    if all(new is old for new, old in zip(news, olds, strict=True)):
        return value
    if any(value is each for each in cyclic):
        raise Refusal("contains itself")
    return with_values(value, pairs, news) if is_dict else with_items(value, olds, news)


def flatten(
    container: Any, parts_of: Callable[[Any], list[Any] | None] | None = None
) -> Iterator[Any]:
    """Yield every value inside nested dicts, lists and tuples, in order; visit each container once.

    Args:
        container: the container.
        parts_of: returns the parts of any other value, or None if the value has no parts.
    """
    seen: set[int] = set()
    waiting: list[Any] = [container]
    while waiting:
        value = waiting.pop()
        if issubclass(class_of(value), (dict, list, tuple)):
            is_dict = issubclass(class_of(value), dict)  # torch.max returns a tuple with `values`
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
    """Return whether dicts, lists and tuples nest deeper than `levels`, or one contains itself."""
    level = [container]
    for _ in range(levels):
        inside = [each for each in level if issubclass(class_of(each), (dict, list, tuple))]
        # Look at shared items once per level, or nested sharing would take exponential time.
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
    """Return an iterator that checks each item as it is taken; asynchronous like the original."""
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
    """A wrapper around an iterable that checks items as they are taken, in every iteration.

    Its length and attributes are those of the iterable.
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
        return _same, (self._iterable,)  # pickles the bare iterable: another process does not check


def _same(iterable: Any) -> Any:
    return iterable
