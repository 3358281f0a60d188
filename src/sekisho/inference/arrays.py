"""Which library's array a value may be, and what is certain of it."""

from __future__ import annotations

from sekisho.inference.values import Value

__all__ = ["certain_state", "certain_world", "only_world", "worlds_of"]


def worlds_of(value: Value) -> tuple[str, ...]:
    """Return the worlds that a value itself may be an array of."""
    if value[0] == "array":
        return (value[1],)
    if value[0] == "union":
        return tuple(sorted({atom[1] for atom in value[1] if atom[0] == "array"}))
    return ()


def only_world(value: Value) -> str:
    """Return the one world that a value is surely an array or number of; "" if there is none."""
    return value[1] if value[0] == "array" else ""


def certain_world(value: Value) -> str:
    """Return the one world that a value is surely an array of; "" if there is none."""
    return value[1] if value[0] == "array" and value[2] else ""


def certain_state(value: Value) -> int:
    """Return the certain state of an array; 0 for other values."""
    return value[5] if value[0] == "array" and value[2] else 0
