"""Support torch.jit, which compiles the guarded function instead of its guard.

torch.jit asks a function what to compile, by ``__prepare_scriptable__``. It takes the source of a
method from the wrapped function, but looks names up in the globals of the guard, which lack them.
"""

from __future__ import annotations

import re
import types
from typing import TYPE_CHECKING, Any, Final

from sekisho.worlds import class_of, world_names

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["lend_names"]

_SCRIPTED: Final = (types.ModuleType, types.FunctionType, types.BuiltinFunctionType, type)
"""The classes of globals that TorchScript takes. Anything else would be kept alive for nothing."""


def lend_names(function: Any, names: dict[str, Any]) -> None:
    """Copy the globals that a method uses into the globals of its guard."""
    code: Any = getattr(function, "__code__", None)
    # Of a plain function torch.jit compiles the original, which has its own globals.
    if code is None or code.co_varnames[:1] != ("self",):
        return
    found = function.__globals__
    for name in (*_used(code), *_annotated_with(function)):
        value = found.get(name)
        if issubclass(class_of(value), _SCRIPTED) and name in found and not name.startswith("__"):
            names.setdefault(name, value)


def _annotated_with(function: Any) -> Iterator[str]:
    """Yield the names in a function's annotations, which TorchScript reads from the source, too."""
    yield from world_names()
    for each in function.__annotations__.values():
        if type(each) is str:
            yield from re.findall(r"\w+", each)


def _used(code: types.CodeType) -> Iterator[str]:
    yield from code.co_names
    for each in code.co_consts:
        if isinstance(each, types.CodeType):
            yield from _used(each)
