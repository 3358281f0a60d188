"""Values in containers: taking items, and refining an annotation by what a container holds."""

from __future__ import annotations

from sekisho.inference.value_types import INT, STR, UNKNOWN, Value, instance, list_of, tuple_of
from sekisho.inference.values import atoms, is_never, join_all, map_atoms, unsure

__all__ = ["doubtful", "item_of", "sharper", "without_constants"]


def item_of(value: Value, index: int | str | None = None) -> Value:
    """Return an item of a container, at a constant index if one is passed."""

    def take(atom: Value) -> Value:
        match atom:
            case ("list", _, item):
                return UNKNOWN if is_never(item) else item
            case ("tuple", items):
                if isinstance(index, int):
                    return items[index] if -len(items) <= index < len(items) else UNKNOWN
                return join_all(items) if items else UNKNOWN
            case ("dict", rest, pairs):
                known = dict(pairs)
                if index in known:
                    return known[index]
                rest = rest if index is not None else join_all([rest, *known.values()])
                return UNKNOWN if is_never(rest) else rest
            case ("instance", "builtins:str", _):
                return STR
            case ("instance", "builtins:bytes", _):
                return INT
            case _:
                return UNKNOWN

    return map_atoms(value, take)


def sharper(said: Value, held: Value) -> Value:
    """Return the annotated value; for a bare container class, what the container actually holds."""
    match said:
        case ("list", _, item) | ("dict", item, _):
            holds_nothing = item == UNKNOWN
        case _:
            return said
    fits = [atom for atom in atoms(held) if atom[0] == said[0]]
    return held if holds_nothing and fits and len(fits) == len(atoms(held)) else said


def doubtful(value: Value) -> Value:
    """Mark each array in a value, at any depth, as one that may be something else."""

    def change(atom: Value) -> Value:
        match atom:
            case ("list", kind, item):
                return list_of(doubtful(item), kind)
            case ("tuple", items):
                return tuple_of(map(doubtful, items))
            case ("dict", rest, known):
                return "dict", doubtful(rest), tuple((key, doubtful(each)) for key, each in known)
            case _:
                return unsure(atom)

    return map_atoms(value, change)


def without_constants(value: Value) -> Value:
    """Return a value whose kind alone is known."""

    def change(atom: Value) -> Value:
        match atom:
            case ("instance", name, ("const", _)):
                return instance(name)
            case _:
                return atom

    return map_atoms(value, change)
