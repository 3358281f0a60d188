"""Translate recorded arguments into values of the inference, which then reads bodies for them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

from sekisho.code import Skipped, read_file
from sekisho.inference import NONE, UNKNOWN, array, instance, join_all, list_of, tuple_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sekisho.inference import Value
    from sekisho.tracer import Described, Observed

__all__ = ["values_seen"]

_MAIN: Final = "__main__"


def values_seen(observed: Iterable[Observed]) -> dict[tuple[str, str], dict[str, Value]]:
    """Return what each parameter held, by real path and qualified name of the function."""
    found: dict[tuple[str, str], dict[str, Value]] = {}
    for each in observed:
        read = read_file(Path(each.path))
        module = "" if isinstance(read, Skipped) else read.module
        calls = [call for call in each.calls if call.kind != "raise"]
        for index, name in enumerate(each.parameters):
            values = [_value_of(call.given[index], module) for call in calls]
            if values and UNKNOWN not in values:
                found.setdefault((each.path, each.name), {})[name] = join_all(values)
    return found


def _value_of(said: Described, main: str) -> Value:
    """Return the value for a description by the tracer.

    Args:
        said: see `sekisho.tracer.describing`.
        main: the module of the file, which may have run as a script.
    """
    match said:
        case ("array", world, *_):
            return array(world)
        case ("none",):
            return NONE
        case ("int", _):
            return instance("builtins:int")
        case ("object", module, name) if "<locals>" not in name:
            return instance(f"{main if module == _MAIN else module}:{name}")
        case ("items", "list" | "tuple" as kind, items):
            values = [_value_of(each, main) for each in items]
            is_fixed = kind == "tuple" and any(each[0] == "array" for each in items)
            return tuple_of(values) if is_fixed else list_of(join_all(values), kind)
        case _:
            return UNKNOWN
