"""Assign values to targets."""

from __future__ import annotations

import ast
from typing import Final

from sekisho.inference.containers import item_of
from sekisho.inference.events import ATTRIBUTE
from sekisho.inference.frame import Frame, Located, dotted_of, how_of
from sekisho.inference.iterating import iterated
from sekisho.inference.members import container_of, converts, is_open, is_property
from sekisho.inference.refusals import note_assigned
from sekisho.inference.states import requires_grad
from sekisho.inference.value_types import CONSTANTS, PLAIN, Value, dict_of, list_of
from sekisho.inference.values import atoms, bounded, join, map_atoms

__all__ = ["LARGEST_RECORD", "hold", "set_by_name", "store"]

LARGEST_RECORD: Final = 32
"""Maximum number of constant keys of a dict that are kept apart: enough for a record, not for a
table."""


def hold(frame: Frame, target: ast.expr, holder: str, value: Value, node: Located) -> None:
    """Let a name, or an attribute, hold a container after it was changed in place."""
    assert frame.env is not None
    if isinstance(target, ast.Name):
        if holder in frame.env:
            frame.env[holder] = bounded(value)
            frame.note_again(holder, value)
        else:
            frame.give(f"g {frame.key}:{holder}", value, node.lineno)
    elif isinstance(target, ast.Attribute):
        store(frame, target, value, node)


def store(frame: Frame, target: ast.expr, value: Value, node: Located, how: str = "") -> None:
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


def _unpack(frame: Frame, targets: list[ast.expr], value: Value, node: Located, how: str) -> None:
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
    if target.attr == "__dict__":
        open_class(frame, holder, target)
        return
    if target.attr == "requires_grad" and value in CONSTANTS.values():
        requires_grad(frame, target.value, holder, is_on=value == CONSTANTS[True])
    cls = _class_of(holder)
    # attributes of library classes are typed by their stubs
    if cls and frame.program.is_own(cls):
        if _is_converted(frame, cls, target.attr):
            frame.forget(dotted_of(target.value))
            return
        frame.give(f"a {cls}.{target.attr}", value, target.lineno)
        frame.note(ATTRIBUTE, target, dotted_of(target), (value, how))
        if is_open(frame, cls):
            frame.forget(dotted_of(target.value))  # another name may stand for the attribute
            return
    name = dotted_of(target)
    if name.count(".") == 1 and frame.env is not None:
        frame.env[name] = bounded(value)
        frame.knows_attributes = True


def _class_of(value: Value) -> str:
    """Return the class of an instance, or the subclass of an array; "" for other values."""
    match value:
        case ("array", _, _, _, cls, _) | ("instance", cls, _):
            return cls
        case _:
            return ""


def _is_converted(frame: Frame, cls: str, name: str) -> bool:
    """Return whether an assignment runs code, so that reading may give another value."""
    found = frame.program.member(cls, name)
    if found is not None and found[1][0] == "def":
        return is_property(found[1])
    return converts(frame, cls)


def open_class(frame: Frame, holder: Value, node: Located) -> None:
    """Record that attributes of an instance's class are set by names made at run time."""
    for atom in atoms(holder):
        if atom[0] == "instance" and frame.program.is_own(atom[1]):
            frame.give(f"o {atom[1]}", PLAIN, node.lineno)


def set_by_name(frame: Frame, callee: Value, node: ast.Call) -> None:
    """Handle ``setattr(x, name, value)`` and ``x.__dict__.update(...)``.

    A constant name makes an assignment; by another one, all attributes become open.
    """
    function = node.func
    is_setattr = callee == ("function", "builtins:setattr")
    if is_setattr or dotted_of(function) == "object.__setattr__":
        match node.args:
            case [holder, ast.Constant(value=str(name)), value]:
                target = ast.copy_location(ast.Attribute(holder, name, ast.Store()), node)
                _store_attribute(frame, target, frame.evaluate(frame, value), how_of(value))
            case [holder, _, _]:
                open_class(frame, frame.evaluate(frame, holder), node)
            case _:
                pass
        return
    if not isinstance(function, ast.Attribute) or function.attr not in {"update", "setdefault"}:
        return
    holder = function.value
    if isinstance(holder, ast.Attribute) and holder.attr == "__dict__":
        open_class(frame, frame.evaluate(frame, holder.value), node)
    elif isinstance(holder, ast.Call) and dotted_of(holder.func) == "vars" and holder.args:
        open_class(frame, frame.evaluate(frame, holder.args[0]), node)


def _store_item(frame: Frame, target: ast.Subscript, value: Value, node: Located) -> None:
    holder = frame.evaluate(frame, target.value)
    index = frame.evaluate(frame, target.slice)
    note_assigned(frame, target, holder, value, index)
    written = target.value
    if isinstance(written, ast.Attribute) and written.attr == "__dict__":
        open_class(frame, frame.evaluate(frame, written.value), node)
    name = dotted_of(written)
    if not name or not any(atom[0] in {"list", "dict"} for atom in atoms(holder)):
        return
    key = target.slice.value if isinstance(target.slice, ast.Constant) else None
    hold(frame, written, name, map_atoms(holder, lambda atom: _with_item(atom, key, value)), node)


def _with_item(atom: Value, key: object, value: Value) -> Value:
    """Return a container after an assignment to a constant key, or to an unknown one."""
    match atom:
        case ("list", kind, item):
            return list_of(join(item, value), kind)
        case ("dict", rest, pairs):
            known = dict(pairs)
        case _:
            return atom
    if isinstance(key, (str, int)) and len(known) < LARGEST_RECORD:
        return dict_of(rest, {**known, key: value})
    if key is None:  # the key may be any of the known ones
        known = {each: join(held, value) for each, held in known.items()}
    return dict_of(join(rest, value), known)
