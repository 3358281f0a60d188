"""What a loop over a value takes out of it."""

from __future__ import annotations

from typing import Final

from sekisho.inference.annotations import read_annotation
from sekisho.inference.containers import item_of
from sekisho.inference.frame import Frame
from sekisho.inference.members import EXACT, container_of, find_method
from sekisho.inference.program import split
from sekisho.inference.pythons import iterate
from sekisho.inference.values import UNKNOWN, Value, is_unknown, map_atoms, unsure

__all__ = ["BATCHES", "given_by", "iterated"]

BATCHES: Final = "batches"
"""The kind of the list in an instance's place for a parameter: what it gives one by one."""


def iterated(frame: Frame, value: Value) -> Value:
    """What a loop over a value takes out of it."""

    def take(atom: Value) -> Value:
        if atom[0] == "array":
            row = frame.knowledge.row_of(atom[1])
            return row if frame.knowledge.is_firm(atom) else unsure(row)
        if atom[0] == "instance" and not atom[1].startswith("builtins:"):
            if atom[1].endswith("Dict"):
                return UNKNOWN  # the keys of a ModuleDict
            held: Value = atom[2] or EXACT
            if held[0] == "list" and held[1] == BATCHES:
                batch: Value = held[2]
                return batch
            if held != EXACT:
                return item_of(held) if held[0] == "tuple" else held
            held = container_of(frame, atom)
            if held[0] != "?":
                return iterate(held)
            return _own_iterator(frame, atom)
        return iterate(atom)

    return map_atoms(value, take)


def _own_iterator(frame: Frame, atom: Value) -> Value:
    """By ``__iter__`` or ``__getitem__`` of a class of the project's."""
    if not frame.program.is_own(atom[1]):
        return UNKNOWN
    for name in ("__iter__", "__getitem__"):
        given = given_by(frame, atom, name)
        if given is not None:
            return iterate(given) if name == "__iter__" else given
    return UNKNOWN


def given_by(frame: Frame, atom: Value, name: str) -> Value | None:
    """What a method of the project's gives to an instance; None if it has none so called."""
    found = find_method(frame, atom[1], name, is_exact=True)
    if not found or not frame.program.is_own(found[0][0]):
        return None
    identifier, entry = found[0]
    said = read_annotation(frame.program, split(identifier)[0], entry[1][-1][1], {"Self": atom})
    return frame.fact(f"r {identifier}") if is_unknown(said) else said
