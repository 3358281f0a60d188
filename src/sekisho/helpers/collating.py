"""Join records array by array: a list of samples becomes a batch, as a collate function makes it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NoReturn

from sekisho.errors import BoundaryError, Violation, hide_in_pytest
from sekisho.helpers.nested import (
    is_container,
    is_mapping,
    is_record,
    parts_with_keys,
    rebuilt,
    step_to,
)
from sekisho.worlds import (
    Refusal,
    class_of,
    describe,
    find_world,
    registered_parts,
    short,
    type_name,
)

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["holds_arrays", "join_records"]

__tracebackhide__ = hide_in_pytest


def holds_arrays(value: Any) -> bool:
    """Return whether a value is a container or a record with an array inside.

    What cannot be taken apart, or nests without end, may hold one: joining says what is wrong.
    """
    try:
        return _holds_arrays(value, {})
    except Exception:  # noqa: BLE001 - a registered class's own function may raise anything
        return True


def _holds_arrays(value: Any, seen: dict[int, Any]) -> bool:
    if id(value) in seen:
        return False
    seen[id(value)] = value  # which keeps it alive, so that no other object gets its identity
    if is_container(value):
        parts = [each for _, each in parts_with_keys(value)]
    else:
        found = registered_parts(value)
        parts = [] if found is None else found[0]
    return any(find_world(each) is not None or _holds_arrays(each, seen) for each in parts)


def join_records(function: str, records: list[Any], join: Callable[[list[Any]], Any]) -> Any:
    """Join records of one structure.

    Arrays at the same place are joined. Anything else becomes the list of its values, or None where
    all of them are None; `concat` joins lists without arrays. Nothing that was passed in is modified.

    Args:
        function: the name of the helper, for messages.
        records: the records; the first is a container or a record.
        join: joins a list of arrays.

    Returns:
        A record of the class of the first.

    Raises:
        BoundaryError: if the structures differ, or the arrays at one place cannot be joined.
    """
    walk = _Join(function, len(records), join)
    try:
        return walk.joined(records, "")
    except RecursionError:
        walk.refuse(0, "", "records that are not nested so deeply", describe(records[0]))


class _Join:
    """One call that joins records.

    Attributes:
        inside: for each record, the identities of the containers around the present part.
    """

    def __init__(self, function: str, count: int, join: Callable[[list[Any]], Any]) -> None:
        self.function = function
        self.join = join
        self.inside: list[list[int]] = [[] for _ in range(count)]

    def joined(self, values: list[Any], path: str) -> Any:
        """Join the parts that are at one path."""
        if any(find_world(each) is not None for each in values):
            return _arrays_joined(values, self.join, path)
        if not any(map(holds_arrays, values)):
            if self.function == "concat" and all(type(each) is list for each in values):
                return [item for each in values for item in each]
            return None if all(each is None for each in values) else list(values)
        for index, (each, inside) in enumerate(zip(values, self.inside, strict=True)):
            if id(each) in inside:
                expected = "records that do not contain themselves"
                self.refuse(index, path, expected, describe(each))
            inside.append(id(each))
        is_node = not is_container(values[0])
        new = self.nodes_joined(values, path) if is_node else self.containers_joined(values, path)
        for inside in self.inside:
            inside.pop()
        return new

    def containers_joined(self, values: list[Any], path: str) -> Any:
        """Join containers and records, part by part."""
        first = values[0]
        taken: list[dict[Any, Any]] = []
        for index, each in enumerate(values):
            self.require_class(first, each, index, path)
            taken.append(dict(parts_with_keys(each)))
            if taken[index].keys() != taken[0].keys():
                expected = f"the same {_noun(first)} as item 0, {_listed(first, taken[0])}"
                self.refuse(index, path, expected, _listed(first, taken[index]))
        news = [
            self.joined([each[key] for each in taken], f"{path}{step_to(first, key)}")
            for key in taken[0]
        ]
        try:
            return rebuilt(first, parts_with_keys(first), news)
        except Refusal as refusal:
            reason = refusal.reason
        return self.refuse(0, path, "records that can be rebuilt", describe(first), reason)

    def nodes_joined(self, values: list[Any], path: str) -> Any:
        """Join objects whose class is registered with a library's pytrees, part by part."""
        columns: list[list[Any]] = []
        rebuild: Any = None
        for index, each in enumerate(values):
            self.require_class(values[0], each, index, path)
            try:
                found = registered_parts(each)
            except Exception as error:  # noqa: BLE001 - the class's own function
                reason = f"it cannot be taken apart: {error!r}"
                self.refuse(index, path, "records that can be taken apart", describe(each), reason)
            if found is None or (columns and len(found[0]) != len(columns[0])):
                self.refuse(index, path, f"{_named(values[0])}, as item 0 is", describe(each))
            columns.append(found[0])
            rebuild = rebuild or found[1]
        news = [
            self.joined(list(column), f"{path}[{at}]")
            for at, column in enumerate(zip(*columns, strict=True))
        ]
        try:
            return rebuild(news)
        except Exception as error:  # noqa: BLE001 - the class's own function
            reason = f"it cannot be put together: {error!r}"
        return self.refuse(0, path, "records that can be rebuilt", describe(values[0]), reason)

    def require_class(self, first: Any, each: Any, index: int, path: str) -> None:
        if class_of(each) is not class_of(first):
            self.refuse(index, path, f"{_named(first)}, as item 0 is", describe(each))

    def refuse(
        self, index: int, path: str, expected: str, got: str, reason: str | None = None
    ) -> NoReturn:
        place = f"item {index}" + (f" at {path}" if path else "")
        raise BoundaryError(Violation(self.function, place, expected, got, reason)) from None


def _arrays_joined(values: list[Any], join: Callable[[list[Any]], Any], path: str) -> Any:
    try:
        return join(values)
    except BoundaryError as error:
        violation = error.violation
        if violation is None or not path:
            raise
        place = f"{violation.place} at {path}"
        refusal = type(error)(violation._replace(place=place, hint=None))
    raise refusal


def _noun(value: Any) -> str:
    if is_mapping(value):
        return "keys"
    return "fields" if is_record(value) else "number of items"


def _listed(container: Any, parts: dict[Any, Any]) -> str:
    if not is_mapping(container) and not is_record(container):
        return str(len(parts))
    return ", ".join(map(short, parts)) or "none"


def _named(value: Any) -> str:
    return f"a {type_name(class_of(value))}"
