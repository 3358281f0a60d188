"""Datasets, and what iterates over batches of their items."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING, Final

from sekisho.inference.frame import Frame
from sekisho.inference.iterating import BATCHES, given_by, iterated
from sekisho.inference.overloads import Arguments
from sekisho.inference.value_types import (
    NONE,
    UNKNOWN,
    Value,
    array,
    instance,
    list_of,
    tuple_of,
)
from sekisho.inference.values import is_never, map_atoms, unsure

if TYPE_CHECKING:
    from collections.abc import Callable

    Caller = Callable[[Frame, Value, Arguments, ast.Call], Value]

__all__ = ["make_dataset", "make_loader", "stand_in"]

_ITEMS: Final = "items"
"""The kind of the list in a dataset's place for a parameter: what it gives at a position."""

_NUMBERS: Final = frozenset({"builtins:int", "builtins:float", "builtins:bool"})
_COLLATE_AT: Final = 6
"""The position of `collate_fn` among the parameters of a loader."""


def stand_in(node: ast.Call, function: ast.expr, count: int) -> ast.Call:
    """A call that is written nowhere, at the place of another."""
    nothing = ast.copy_location(ast.Constant(None), node)
    return ast.copy_location(ast.Call(function, [nothing] * count, []), node)


def make_dataset(frame: Frame, maker: str, call: Arguments) -> Value | None:
    """What a class or a function of the library makes, if that is a dataset."""
    how = frame.knowledge.datasets.get(maker)
    if how is None or not call.args:
        return None
    first = call.args[0]
    if how == "rows":
        rows = () if call.is_open else (iterated(frame, each) for each in call.args)
        item: Value = tuple_of(rows) if not call.is_open else UNKNOWN
    else:
        item = _items_of(frame, iterated(frame, first) if how == "each" else first)
    if how == "split":
        same = next(name for name, each in frame.knowledge.datasets.items() if each == "same")
        return list_of(instance(same, list_of(item, _ITEMS)))
    return instance(maker, list_of(item, _ITEMS))


def make_loader(
    frame: Frame, cls: str, call: Arguments, node: ast.Call, call_value: Caller
) -> Value | None:
    """An instance of a class that iterates over batches, if this is one; with what a batch is."""
    world = frame.knowledge.loaders.get(cls)
    if world is None:
        return None
    words = dict(call.kwargs)
    dataset = call.args[0] if call.args else words.get("dataset", UNKNOWN)
    collate = words.get("collate_fn", NONE)
    if call.is_open or len(call.args) > _COLLATE_AT:
        return instance(cls, list_of(UNKNOWN, BATCHES))
    item = _items_of(frame, dataset)
    is_single = words.get("batch_size") == NONE
    if collate != NONE:
        written = next(each.value for each in node.keywords if each.arg == "collate_fn")
        given = item if is_single else list_of(item)
        batch = call_value(frame, collate, Arguments((given,)), stand_in(node, written, 1))
    else:
        batch = _put_together(item, world, has_numbers=not is_single)
    return instance(cls, list_of(batch, BATCHES))


def _items_of(frame: Frame, value: Value) -> Value:
    """What a dataset gives at a position, or one by one."""

    def take(atom: Value) -> Value:
        match atom:
            case ("instance", _, ("list", kind, item)) if kind == _ITEMS:
                return item
            case ("instance", cls, _) if not cls.startswith("builtins:"):
                at_position = given_by(frame, atom, "__getitem__")
                return at_position if at_position is not None else iterated(frame, atom)
            case _:
                return iterated(frame, atom)

    return map_atoms(value, take)


def _put_together(item: Value, world: str, *, has_numbers: bool) -> Value:
    """Many items as one batch: arrays and numbers become an array, what holds them stays what it is."""

    def change(atom: Value) -> Value:
        match atom:
            case ("array", _, is_array, _, cls, state):
                return array(world) if is_array and not cls and not state else unsure(array(world))
            case ("tuple", items):
                return tuple_of(
                    _put_together(each, world, has_numbers=has_numbers) for each in items
                )
            case ("list", _, inner):
                return list_of(_put_together(inner, world, has_numbers=has_numbers))
            case ("dict", rest, pairs):
                known = tuple(
                    (key, _put_together(each, world, has_numbers=has_numbers))
                    for key, each in pairs
                )
                return "dict", _put_together(rest, world, has_numbers=has_numbers), known
            case ("instance", cls, _) if cls in _NUMBERS:
                return array(world) if has_numbers else atom
            case ("instance", "builtins:str", _):
                return list_of(atom) if has_numbers else atom
            case _:
                return UNKNOWN

    return item if is_never(item) else map_atoms(item, change)
