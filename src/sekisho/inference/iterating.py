"""What a loop over a value takes out of it."""

from __future__ import annotations

from typing import Final

from sekisho.inference.annotations import read_annotation
from sekisho.inference.containers import item_of
from sekisho.inference.frame import Frame
from sekisho.inference.members import container_of, find_method
from sekisho.inference.program import split
from sekisho.inference.pythons import iterate
from sekisho.inference.value_types import UNKNOWN, InstanceValue, Value, held_in
from sekisho.inference.values import is_unknown, map_atoms, unsure

__all__ = ["BATCHES", "given_by", "iterated"]

BATCHES: Final = "batches"
"""The kind of the list in an instance's place for a parameter: what it gives one by one."""


def iterated(frame: Frame, value: Value) -> Value:
    """What a loop over a value takes out of it."""

    def take(atom: Value) -> Value:
        match atom:
            case ("array", world, *_):
                row = frame.knowledge.row_of(world)
                return row if frame.knowledge.is_firm(atom) else unsure(row)
            case ("instance", cls, parameter) if not cls.startswith("builtins:"):
                if cls.endswith("Dict"):
                    return UNKNOWN  # the keys of a ModuleDict
                return _of_instance(frame, atom, held_in(parameter))
            case _:
                return iterate(atom)

    return map_atoms(value, take)


def _of_instance(frame: Frame, atom: InstanceValue, held: Value | None) -> Value:
    match held:
        case None:
            container = container_of(frame, atom)
            return _own_iterator(frame, atom) if is_unknown(container) else iterate(container)
        case ("list", kind, batch) if kind == BATCHES:
            return batch
        case ("tuple", *_):
            return item_of(held)
        case _:
            return held


def _own_iterator(frame: Frame, atom: InstanceValue) -> Value:
    """By ``__iter__`` or ``__getitem__`` of a class of the project's."""
    if not frame.program.is_own(atom[1]):
        return UNKNOWN
    for name in ("__iter__", "__getitem__"):
        given = given_by(frame, atom, name)
        if given is not None:
            return iterate(given) if name == "__iter__" else given
    return UNKNOWN


def given_by(frame: Frame, atom: InstanceValue, name: str) -> Value | None:
    """What a method of the project's gives to an instance; None if it has none so called."""
    found = find_method(frame, atom[1], name, is_exact=True)
    if not found or not frame.program.is_own(found[0][0]):
        return None
    identifier, entry = found[0]
    *_, (_, returns, *_) = entry[1]
    said = read_annotation(frame.program, split(identifier)[0], returns, {"Self": atom})
    return frame.fact(f"r {identifier}") if is_unknown(said) else said
