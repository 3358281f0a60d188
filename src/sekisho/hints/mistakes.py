"""Hints for values that are passed or returned by mistake, whatever the annotation is."""

from __future__ import annotations

import contextlib
from pathlib import PurePath
from types import (
    AsyncGeneratorType,
    BuiltinFunctionType,
    CoroutineType,
    FunctionType,
    GeneratorType,
    MethodType,
)
from typing import Any, Final

from sekisho.monitor import unwatched
from sekisho.worlds import class_of, find_world, loaded_worlds

__all__ = ["number_hint", "value_hint"]

_FUNCTIONS: Final = (FunctionType, MethodType, BuiltinFunctionType)
_LATER: Final[dict[type, str]] = {
    CoroutineType: "it was not awaited: await {0}",
    GeneratorType: "it yields its items: make a list first, list({0})",
    AsyncGeneratorType: "[each async for each in {0}]",
}
"""Classes of what gives its values later."""

_IMAGES: Final = (".png", ".jpg", ".jpeg")
_TABLES: Final = (".csv", ".txt")


def value_hint(value: object, *, is_result: bool) -> str | None:
    """Return what the user probably forgot, for a value that is always a mistake."""
    if value is None:
        return (
            "the function returned nothing: is a 'return' missing?"
            if is_result
            else "if it may be missing, let its annotation say so: ... | None"
        )
    kind = class_of(value)
    if kind.__name__ == "DataLoader":
        return "it yields batches, so take each: for batch in {0}"
    if any(kind is each for each in _FUNCTIONS):  # by identity: a metaclass may define `==`
        return "it was not called: {0}()"
    if issubclass(kind, (str, PurePath)):
        return _reading_hint(str(value))
    return next((hint for cls, hint in _LATER.items() if issubclass(kind, cls)), None)


def _reading_hint(name: str) -> str | None:
    """Return how a file is read, by the end of its name; None for any other text."""
    readers = {end: call for world in loaded_worlds() for end, call in world.readers.items()}
    readers |= dict.fromkeys(_IMAGES, "PIL.Image.open({0})")
    readers |= dict.fromkeys(_TABLES, "numpy.loadtxt({0})")
    call = next((call for end, call in readers.items() if name.endswith(end)), None)
    return f"it is the name of a file: read it first, with {call}" if call else None


def number_hint(kind: Any, value: Any, to_static: str) -> str | None:
    """Return the hint to convert an array without axes to the required Python number.

    Args:
        kind: the annotation.
        value: the refused value.
        to_static: how to keep a compiler from tracing it.
    """
    world = find_world(value)
    if world is None or kind not in {bool, int, float, complex}:
        return None
    with (
        unwatched(),
        contextlib.suppress(Exception),
    ):  # conversion may fail: a gradient, a lost imaginary part, no shape, ...
        if tuple(value.shape) != ():
            return None
        if (world.kind_of(value) or "").endswith("Tracer"):
            return f"it is being traced: {to_static}"
        if kind(value) == world.host_values(value)[()]:
            return f"{kind.__name__}({{0}})"
    return None
