"""What an assignment does to its targets."""

from __future__ import annotations

import ast
from typing import Any, Final

from sekisho.inference.calls import iterated
from sekisho.inference.frame import Frame, dotted_of
from sekisho.inference.members import container_of
from sekisho.inference.values import (
    Value,
    bounded,
    item_of,
    join,
    list_of,
    map_atoms,
)

__all__ = ["LARGEST_RECORD", "hold", "store"]

LARGEST_RECORD: Final = 32
"""Constant keys of a dict that are told apart: of a record, not of a table."""


def hold(frame: Frame, target: ast.expr, holder: str, value: Value, node: Any) -> None:
    """Let a name, or an attribute, hold a container that has been changed in place."""
    assert frame.env is not None
    if isinstance(target, ast.Name):
        if holder in frame.env:
            frame.env[holder] = bounded(value)
            frame.note_again(holder, value)
        else:
            frame.give(f"g {frame.key}:{holder}", value, node.lineno)
    elif isinstance(target, ast.Attribute):
        store(frame, target, value, node)


def store(frame: Frame, target: ast.expr, value: Value, node: ast.AST, how: str = "") -> None:
    """Assign a value to a target."""
    if frame.env is None:
        return
    if isinstance(target, ast.Name):
        frame.bind(target.id, value, target, how)
    elif isinstance(target, (ast.Tuple, ast.List)):
        _unpack(frame, target.elts, value, node, how)
    elif isinstance(target, ast.Attribute):
        _store_attribute(frame, target, value, how)
    elif isinstance(target, ast.Subscript):
        _store_item(frame, target, value, node)
    elif isinstance(target, ast.Starred):
        store(frame, target.value, list_of(value), node, how)


def _unpack(frame: Frame, targets: list[ast.expr], value: Value, node: ast.AST, how: str) -> None:
    starred = next((i for i, each in enumerate(targets) if isinstance(each, ast.Starred)), None)
    held = container_of(frame, value) if value[0] == "instance" else value
    value = held if held[0] != "?" else value
    for index, target in enumerate(targets):
        if value[0] in {"tuple", "union"} and starred is None:
            item = _item_at(frame, value, index)
        else:
            item = iterated(frame, value)
        store(frame, target, item, node, how)


def _item_at(frame: Frame, value: Value, index: int) -> Value:
    return map_atoms(
        value, lambda atom: item_of(atom, index) if atom[0] == "tuple" else iterated(frame, atom)
    )


def _store_attribute(frame: Frame, target: ast.Attribute, value: Value, how: str) -> None:
    holder = frame.evaluate(frame, target.value)
    kind = holder[4] if holder[0] == "array" else holder[1] if holder[0] == "instance" else ""
    if kind and frame.program.is_own(kind):
        frame.give(f"a {kind}.{target.attr}", value, target.lineno)
        frame.note("attribute", target, dotted_of(target), (value, how))
    name = dotted_of(target)
    if name.count(".") == 1 and frame.env is not None:
        frame.env[name] = bounded(value)
        frame.knows_attributes = True


def _store_item(frame: Frame, target: ast.Subscript, value: Value, node: ast.AST) -> None:
    holder = frame.evaluate(frame, target.value)
    frame.evaluate(frame, target.slice)
    name = dotted_of(target.value)
    if not name or holder[0] not in {"list", "dict"}:
        return
    if holder[0] == "list":
        changed = ("list", holder[1], join(holder[2], value))
    else:
        key = target.slice.value if isinstance(target.slice, ast.Constant) else None
        if isinstance(key, (str, int)) and len(holder[2]) < LARGEST_RECORD:
            known = {**dict(holder[2]), key: value}
            changed = ("dict", holder[1], tuple(sorted(known.items(), key=repr)))
        else:
            changed = ("dict", join(holder[1], value), holder[2])
    hold(frame, target.value, name, changed, node)
