"""Labels of values in the map report."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sekisho.inference.value_types import NONE, OPEN, Value
from sekisho.inference.values import atoms, is_known, is_never

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["is_open", "label"]


def label(value: Value) -> str:
    """Return the label of a value: ``numpy``, ``numpy | torch``, ``list[torch]``, ``none``, ...

    A union with None has the label of its other alternatives.
    """
    if not is_known(value):
        return "unknown"
    said = sorted({_label_atom(atom) for atom in atoms(value) if atom != NONE})
    return "unknown" if "unknown" in said else " | ".join(said) or "none"


def _label_atom(atom: Value) -> str:
    match atom:
        case ("array", world, *_):
            return world
        case ("list", kind, item):
            return "none" if is_never(item) else _held(kind, [item])
        case ("tuple", items):
            return _held("tuple", items)
        case ("dict", rest, known):
            values = [each for each in (rest, *(v for _, v in known)) if not is_never(each)]
            return _held("dict", values)
        case _:
            return "none"


def _held(kind: str, values: Sequence[Value]) -> str:
    labels = [label(each) for each in values]
    if all(each == "none" for each in labels):
        return "none"
    shown = labels if kind == "tuple" else sorted(set(labels) - {"none"})
    return f"{kind}[{', '.join(shown)}]"


def is_open(value: Value) -> bool:
    """Whether an array in a value may be something else: not all that it is bound to is known."""
    match value:
        case ("array", *_, state):
            return bool(state & OPEN)
        case ("list", _, item) | ("dict", item, _):
            return is_open(item)
        case ("tuple" | "union", items):
            return any(map(is_open, items))
        case _:
            return False
