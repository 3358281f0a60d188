"""Which library's array a value may be, and what is certain of it."""

from __future__ import annotations

from sekisho.inference.value_types import Value

__all__ = ["certain_state", "certain_world", "only_world", "worlds_of"]


def worlds_of(value: Value) -> tuple[str, ...]:
    """Return the worlds that a value itself may be an array of."""
    match value:
        case ("array", world, *_):
            return (world,)
        case ("union", alternatives):
            return tuple(sorted(set(map(only_world, alternatives)) - {""}))
        case _:
            return ()


def only_world(value: Value) -> str:
    """Return the one world that a value is surely an array or number of; "" if there is none."""
    return value[1] if value[0] == "array" else ""


def certain_world(value: Value) -> str:
    """Return the one world that a value is surely an array of; "" if there is none."""
    match value:
        case ("array", world, True, *_):
            return world
        case _:
            return ""


def certain_state(value: Value) -> int:
    """Return the certain state of an array; 0 for other values."""
    match value:
        case ("array", _, True, _, _, state):
            return state
        case _:
            return 0
