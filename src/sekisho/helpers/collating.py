"""Join records array by array: a list of samples becomes a batch, as a collate function makes it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NoReturn

from sekisho.errors import BoundaryError, Violation, hide_in_pytest
from sekisho.helpers.nested import (
    is_container,
    is_mapping,
    is_record,
    parts_of,
    rebuilt,
    step_to,
)
from sekisho.worlds import (
    Refusal,
    class_of,
    describe,
    find_world,
    registered_parts,
    type_name,
)

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["holds_arrays", "join_records"]

__tracebackhide__ = hide_in_pytest

_DEEPEST: Final = 64


def holds_arrays(value: Any, depth: int = _DEEPEST) -> bool:
    """Return whether a value is a container or a record with an array inside."""
    if depth == 0:
        return True  # it may contain itself: joining says so
    if is_container(value):
        parts = [each for _, each in parts_of(value)]
    else:
        found = registered_parts(value)
        parts = [] if found is None else found[0]
    return any(find_world(each) is not None or holds_arrays(each, depth - 1) for each in parts)


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
    return _joined(function, records, join, "", _DEEPEST)


def _joined(
    function: str, values: list[Any], join: Callable[[list[Any]], Any], path: str, depth: int
) -> Any:
    first = values[0]
    if any(find_world(each) is not None for each in values):
        return _arrays_joined(values, join, path)
    if not any(holds_arrays(each, depth) for each in values):
        if function == "concat" and all(type(each) is list for each in values):
            return [item for each in values for item in each]
        return None if all(each is None for each in values) else list(values)
    if not is_container(first):
        return _nodes_joined(function, values, join, path, depth)
    if depth == 0:
        _refuse(function, 0, path, "records that do not contain themselves", describe(first))
    kept = parts_of(first)
    taken: list[dict[Any, Any]] = []
    for index, each in enumerate(values):
        if class_of(each) is not class_of(first):
            _refuse(function, index, path, f"{_named(first)}, as item 0 is", describe(each))
        taken.append(dict(parts_of(each)))
        if taken[index].keys() != taken[0].keys():
            expected = f"the same {_noun(first)} as item 0, {_listed(taken[0])}"
            _refuse(function, index, path, expected, _listed(taken[index]))
    news = [
        _joined(
            function, [each[key] for each in taken], join, f"{path}{step_to(first, key)}", depth - 1
        )
        for key, _ in kept
    ]
    try:
        return rebuilt(first, kept, news)
    except Refusal as refusal:
        reason = refusal.reason
    return _refuse(function, 0, path, "records that can be rebuilt", describe(first), reason)


def _nodes_joined(
    function: str, values: list[Any], join: Callable[[list[Any]], Any], path: str, depth: int
) -> Any:
    """Join objects whose class is registered with a library's pytrees, part by part."""
    taken = [registered_parts(each) for each in values]
    for index, (each, found) in enumerate(zip(values, taken, strict=True)):
        if found is None or class_of(each) is not class_of(values[0]):
            _refuse(function, index, path, f"{_named(values[0])}, as item 0 is", describe(each))
    columns = zip(*(parts for parts, _ in filter(None, taken)), strict=True)
    news = [
        _joined(function, list(column), join, f"{path}[{at}]", depth - 1)
        for at, column in enumerate(columns)
    ]
    assert taken[0] is not None
    return taken[0][1](news)


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


def _listed(parts: dict[Any, Any]) -> str:
    keys = list(parts)
    return (
        str(len(keys)) if keys == list(range(len(keys))) else ", ".join(map(repr, keys)) or "none"
    )


def _named(value: Any) -> str:
    return f"a {type_name(class_of(value))}"


def _refuse(
    function: str, index: int, path: str, expected: str, got: str, reason: str | None = None
) -> NoReturn:
    place = f"item {index}" + (f" at {path}" if path else "")
    raise BoundaryError(Violation(function, place, expected, got, reason))
