"""From source text to a function: the only place that compiles and executes text.

The text is registered with `linecache`, so tracebacks and debuggers show it, for as long as the
function lives.
"""

from __future__ import annotations

import itertools
import linecache
import types
import weakref
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["compile_function", "generated_source", "is_guard", "live_guards", "replace_code"]

_PREFIX: Final = "<sekisho guard "
_number: Final = itertools.count(1)
_sources: Final[weakref.WeakKeyDictionary[types.FunctionType, str]] = weakref.WeakKeyDictionary()


def compile_function(source: str, name: str, namespace: dict[str, Any]) -> types.FunctionType:
    """Compile the text of one ``def`` and return the function, its globals being `namespace`."""
    # Not all in <>: linecache takes such a name for one that has no source.
    filename = f"{_PREFIX}{next(_number)}>.{name}"
    exec(compile(source, filename, "exec", dont_inherit=True), namespace)  # noqa: S102
    function: types.FunctionType = namespace.pop(name)
    _register(function, source, filename)
    return function


def replace_code(function: types.FunctionType, source: str, name: str) -> None:
    """Give a generated function a new body, its identity and signature staying what they are."""
    scratch: dict[str, Any] = dict.fromkeys(function.__globals__)
    replacement = compile_function(source, name, scratch)
    function.__code__ = replacement.__code__
    _register(function, source, replacement.__code__.co_filename)


def is_guard(code: types.CodeType) -> bool:
    """Whether this is the code of a generated function."""
    return code.co_filename.startswith(_PREFIX)


def live_guards() -> list[types.FunctionType]:
    """Every generated function that is in use."""
    return list(_sources)


_unused: Final[list[str]] = []
"""The file names of guards that are gone. They leave linecache when the next guard comes, never
from a finalizer: that may run while `linecache.checkcache` goes through its names."""


def _register(function: types.FunctionType, source: str, filename: str) -> None:
    while _unused:
        linecache.cache.pop(_unused.pop(), None)
    _sources[function] = source
    # linecache's form of an entry that it splits into lines when somebody asks.
    linecache.cache[filename] = (lambda: source,)
    weakref.finalize(function, _unused.append, filename).atexit = False


def generated_source(function: Callable[..., Any]) -> str:
    """Return the text of the guard that a sekisho decorator generated.

    Args:
        function: a guarded function or method.

    Raises:
        TypeError: if no guard was generated for it: it was never decorated, or there was
            nothing to check.

    Examples:
        >>> import numpy as np
        >>> import sekisho as sk
        >>> @sk.numpy_world
        ... def double(x: np.ndarray) -> np.ndarray:
        ...     return x * 2
        >>> print(sk.generated_source(double), end="")
        def double(x):
            # x: ndarray
            if not isinstance(x, _ndarray):
                x = _admit_x(x)
            result = _double(x)
            # returns: ndarray
            if not isinstance(result, _ndarray):
                result = _admit_result(result)
            return result
    """
    plain = getattr(function, "__func__", function)
    source = _sources.get(plain) if isinstance(plain, types.FunctionType) else None
    if source is None:
        raise TypeError(f"generated_source(): {function!r} has no generated guard.")
    return source
