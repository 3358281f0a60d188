"""The arguments of one call as a tree of arrays, each with what its contract says of its axes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from sekisho.worlds import class_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from sekisho.contract import ArraySpec, Expression, RecordSpec

__all__ = ["MISSING", "Leaf", "Record", "Size", "leaves", "with_leaves"]

MISSING: Final = object()
"""Stands for the value of an argument that no example passes."""


@dataclass(frozen=True)
class Size:
    """What a contract says of one axis of one array.

    Attributes:
        text: the axis as the contract writes it.
        fixed: the size, if it is the same in every call.
        name: the name of the dimension, if it has one: axes of one name have one size.
        expression: how the size is computed from other dimensions, if it is.
        names: for each axis name in `expression`, the name of the dimension.
        known: the value of each ``{argument}`` in `expression`.

    An axis with none of these may have any size.
    """

    text: str
    fixed: int | None = None
    name: str | None = None
    expression: Expression | None = None
    names: Mapping[str, str] = field(default_factory=dict[str, str])
    known: Mapping[str, Any] = field(default_factory=dict[str, Any])


@dataclass(frozen=True)
class Leaf:
    """An array, or a value that no annotation of an array describes.

    Attributes:
        place: where it is, in messages: ``batch['image']``.
        spec: its annotation; None if it is no array.
        sizes: its axes; None if nothing is known of them.
        value: its value in the example.
    """

    place: str
    spec: ArraySpec | None
    sizes: tuple[Size, ...] | None
    value: Any


@dataclass(frozen=True)
class Record:
    """A dataclass or another class with fields, which an exporter takes if it is registered."""

    place: str
    spec: RecordSpec
    value: Any
    fields: Mapping[str, Any]


def with_leaves(
    node: Any, change: Callable[[Leaf], Any], rebuild: Callable[[Record, Mapping[str, Any]], Any]
) -> Any:
    """Return a tree with each leaf changed, and each record rebuilt from its changed fields."""

    def visit(each: Any) -> Any:
        if isinstance(each, Leaf):
            return change(each)
        if isinstance(each, Record):
            return rebuild(each, {name: visit(part) for name, part in each.fields.items()})
        if issubclass(class_of(each), dict):
            return {key: visit(value) for key, value in each.items()}
        items = [visit(item) for item in each]
        return type(each)(*items) if hasattr(each, "_fields") else type(each)(items)

    return visit(node)


def leaves(node: Any) -> Iterator[Leaf]:
    """Yield the leaves of a tree, in order."""
    if isinstance(node, Leaf):
        yield node
        return
    inside: Any = node.fields if isinstance(node, Record) else node
    for each in inside.values() if issubclass(class_of(inside), Mapping) else inside:
        yield from leaves(each)
