"""Labels of values in the map report."""

from __future__ import annotations

from sekisho.inference.values import NONE, OPEN, Value, atoms, is_known, is_never

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
    tag = atom[0]
    if tag == "array":
        return str(atom[1])
    if tag == "list":
        return "none" if is_never(atom[2]) else _held(atom[1], [atom[2]])
    if tag == "tuple":
        return _held("tuple", list(atom[1:]))
    if tag == "dict":
        values = [each for each in (atom[1], *(v for _, v in atom[2])) if not is_never(each)]
        return _held("dict", values)
    return "none"


def _held(kind: str, values: list[Value]) -> str:
    labels = [label(each) for each in values]
    if all(each == "none" for each in labels):
        return "none"
    shown = labels if kind == "tuple" else sorted(set(labels) - {"none"})
    return f"{kind}[{', '.join(shown)}]"


def is_open(value: Value) -> bool:
    """Whether an array in a value may be something else: not all that it is bound to is known."""
    if value[0] == "array":
        return bool(value[5] & OPEN)
    inside = {"list": value[2:], "tuple": value[1:], "union": value[1:], "dict": value[1:2]}
    return any(map(is_open, inside.get(value[0], ())))
