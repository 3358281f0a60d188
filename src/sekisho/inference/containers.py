"""Values in containers: taking items, and refining an annotation by what a container holds."""

from __future__ import annotations

from sekisho.inference.values import (
    INT,
    STR,
    UNKNOWN,
    Value,
    atoms,
    instance,
    is_never,
    join_all,
    map_atoms,
    unsure,
)

__all__ = ["doubtful", "item_of", "sharper", "without_constants"]


def item_of(value: Value, index: int | str | None = None) -> Value:
    """Return an item of a container, at a constant index if one is passed."""

    def take(atom: Value) -> Value:
        tag = atom[0]
        if tag == "list":
            return UNKNOWN if is_never(atom[2]) else atom[2]
        if tag == "tuple":
            if isinstance(index, int):
                inside = -len(atom) < index < len(atom) - 1
                return atom[1:][index] if inside and len(atom) > 1 else UNKNOWN
            return join_all(atom[1:]) if len(atom) > 1 else UNKNOWN
        if tag == "dict":
            known = dict(atom[2])
            if index in known:
                found: Value = known[index]
                return found
            rest = atom[1] if index is not None else join_all([atom[1], *known.values()])
            return UNKNOWN if is_never(rest) else rest
        if tag == "instance" and atom[1] in {"builtins:str", "builtins:bytes"}:
            return INT if atom[1] == "builtins:bytes" else STR
        return UNKNOWN

    return map_atoms(value, take)


def sharper(said: Value, held: Value) -> Value:
    """Return the annotated value; for a bare container class, what the container actually holds."""
    holds_nothing = said[0] in {"list", "dict"} and UNKNOWN in said
    fits = [atom for atom in atoms(held) if atom[0] == said[0]]
    return held if holds_nothing and fits and len(fits) == len(atoms(held)) else said


def doubtful(value: Value) -> Value:
    """Mark each array in a value, at any depth, as one that may be something else."""

    def change(atom: Value) -> Value:
        if atom[0] == "list":
            return (*atom[:2], doubtful(atom[2]))
        if atom[0] == "tuple":
            return ("tuple", *map(doubtful, atom[1:]))
        if atom[0] == "dict":
            known = tuple((key, doubtful(each)) for key, each in atom[2])
            return ("dict", doubtful(atom[1]), known)
        return unsure(atom)

    return map_atoms(value, change)


def without_constants(value: Value) -> Value:
    """Return a value whose kind alone is known."""
    return map_atoms(
        value,
        lambda atom: (
            instance(atom[1])
            if atom[0] == "instance" and atom[2] and atom[2][0] == "const"
            else atom
        ),
    )
