"""What torch.jit compiles instead of a guard: the text of the function, with the names that it uses.

Of a function it asks what to compile, by ``__prepare_scriptable__``. Of a method it takes the text from what
the guard wraps, but looks names up in the globals of the guard itself, whose code uses none of them.
"""

from __future__ import annotations

import types
from typing import TYPE_CHECKING, Any, Final

from sekisho.worlds import class_of

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["lend_names"]

_SCRIPTED: Final = (types.ModuleType, types.FunctionType, types.BuiltinFunctionType, type)
"""Classes of the globals that TorchScript takes. Anything else would be kept alive for nothing."""


def lend_names(function: Any, names: dict[str, Any]) -> None:
    """Put the global names that a method uses among those of its guard, which has others of its own."""
    code: Any = getattr(function, "__code__", None)
    if code is None or code.co_varnames[:1] != ("self",):
        return
    found = function.__globals__
    for name in _used(code):
        value = found.get(name)
        if issubclass(class_of(value), _SCRIPTED) and name in found and not name.startswith("__"):
            names.setdefault(name, value)


def _used(code: types.CodeType) -> Iterator[str]:
    yield from code.co_names
    for each in code.co_consts:
        if isinstance(each, types.CodeType):
            yield from _used(each)
