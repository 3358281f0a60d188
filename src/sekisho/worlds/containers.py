"""Containers of arrays: their items one by one, and the same container if none has changed."""

from __future__ import annotations

from collections import OrderedDict, abc
from functools import partial
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

from sekisho.worlds.dtypes import class_of
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
    """A sequence of the same type with these items; the same object if they are its own.

    Args:
        container: the sequence. It is not changed.
        olds: its items, as they were read.
        items: what shall be there.

    Raises:
        Refusal: if its class offers no way to make one of the same type.
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
    """The same collection with these items, in order; the same object if they are its own.

    A view of a dict is one again. A set is a list of them: no set holds arrays by their values.

    Raises:
        Refusal: if its class offers no way to make one of the same type.
    """
    kind = class_of(collection)
    if issubclass(kind, abc.ItemsView):
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
    if issubclass(kind, abc.ValuesView):
        return dict(enumerate(items)).values()
    return list(items) if issubclass(kind, abc.Set) else with_items(collection, olds, items)


def with_values(mapping: Any, olds: Sequence[tuple[Any, Any]], values: Sequence[Any]) -> Any:
    """A mapping of the same type with these values; the same object if they are its own.

    Args:
        mapping: the mapping. It is not changed.
        olds: its keys and values, as they were read: one that has a key twice says so.
        values: what shall be there, in the same order.

    Raises:
        Refusal: if its class offers no way to make one of the same type.
    """
    if all(new is old for new, (_, old) in zip(values, olds, strict=True)):
        return mapping
    keys = [key for key, _ in olds]
    kind = class_of(mapping)
    # One of these may have attributes, as a `state_dict` of torch's has, which a compiler cannot read.
    if kind is dict:
        return dict(zip(keys, values, strict=True))
    if kind is OrderedDict and (is_compiling() or not mapping.__dict__):
        return OrderedDict(zip(keys, values, strict=True))
    pairs = [(old, new) for (_, old), new in zip(olds, values, strict=True)]
    # The key is where a dict keeps a value; others may have one twice, or keys that have no hash.
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
    """Require that what has been made holds the items, and not those of the original."""
    found = list(changed)
    # What the original holds twice is held twice again: the first of what was made of it.
    firsts: dict[int, Any] = {}
    for old, new in zip(olds, items, strict=True):
        firsts.setdefault(id(old), new)
    if len(found) != len(items) or any(
        each is not new and (new is old or each is not firsts[id(old)])
        for each, old, new in zip(found, olds, items, strict=True)
    ):
        raise Refusal(_NOT_REPLACED)


def with_fields(record: Any, olds: Mapping[str, Any], fields: Mapping[str, Any]) -> Any:
    """A record of the same type with these fields; the same object if they are its own.

    No method of its class runs: what ``__post_init__`` has computed stays as it is, and what a
    `functools.cached_property` has kept is dropped.

    Args:
        record: a dict, a NamedTuple, or an object with attributes. It is not changed.
        olds: its fields, as they were read.
        fields: what shall be there, for the same names.

    Raises:
        Refusal: if its class offers no way to make one of the same type.
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
    """Nested dicts, lists and tuples of the same types with everything inside changed.

    Args:
        value: what to look into. It is not changed.
        change: called with each value inside that is none of these.

    Raises:
        Refusal: if a container that is to change contains itself, or cannot be made anew.
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
    # By identity, not by id: a compiler of torch traces this.
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
