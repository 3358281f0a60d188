"""Read a function's signature and name, and which of Python's kinds of function it is."""

from __future__ import annotations

import importlib
import inspect
import sys
import types
from typing import TYPE_CHECKING, Any, Final, Literal

from sekisho.contract.resolve import called_function, without_partials
from sekisho.errors import DeclarationError
from sekisho.worlds import world_names

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["Flavour", "display_name", "flavour_of", "is_wrapper", "read_signature"]

Flavour = Literal["function", "coroutine", "generator", "async generator"]


def display_name(function: Callable[..., Any]) -> str:
    """Return a function's name in messages: ``Net.forward``, without the functions around it."""
    function = without_partials(function)
    # A ufunc of NumPy 2.0 has no `__qualname__`.
    name = getattr(function, "__qualname__", None) or (
        function.__name__ if type(function).__name__ == "ufunc" else type(function).__qualname__
    )
    return name.rpartition("<locals>.")[2]


# On Python 3.14 a signature evaluates the annotations, whose names may be defined later.
_LATE_ANNOTATIONS: Final[dict[str, Any]] = (
    {"annotation_format": importlib.import_module("annotationlib").Format.FORWARDREF}
    if sys.version_info >= (3, 14)
    else {}
)


def read_signature(function: Any) -> inspect.Signature:
    """Read a function's signature; its annotations may use names that are not defined yet.

    Raises:
        DeclarationError: if its signature cannot be read.
    """
    if type(function).__name__ == "ufunc":
        # It has a signature, but does not accept all that is in it.
        title = display_name(function)
        values = ", ".join([f"x{i + 1}" for i in range(function.nin)]) if function.nin > 1 else "x"
        raise DeclarationError(f"{title}() is a ufunc of NumPy.{_wrapped(function, values)}")
    try:
        return inspect.signature(function, **_LATE_ANNOTATIONS)
    except (TypeError, ValueError) as error:
        why = f": {error}"
        if not isinstance(function, type):
            why += (
                "\n  hint: a decorator below this one gives what has no signature: write it above this "
                "one, or guard a function that calls what it gives"
            )
        if isinstance(function, (types.BuiltinFunctionType, types.MethodDescriptorType)):
            why = f", since it is built in.{_wrapped(function, 'x')}"
        title = display_name(function)
        raise DeclarationError(f"{title}(): its signature cannot be read{why}") from None


def _wrapped(function: Any, values: str) -> str:
    """Return the hint to wrap a function without a signature: two lines of code."""
    name = function.__name__
    for module in (*world_names(), "math"):
        if getattr(sys.modules.get(module), name, None) is function:
            call = f"{module}.{name}"
            break
    else:
        owner: Any = getattr(function, "__objclass__", None)
        call = f"{owner.__name__}.{name}" if owner else name
    return f"\n  hint: def {name}({values}):\n            return {call}({values})"


def is_wrapper(function: Any, signature: inspect.Signature) -> bool:
    """Return whether a function takes its arguments differently from what its signature shows.

    ``functools.wraps`` gives a wrapper the signature of the wrapped function. The wrapper itself
    may take keywords only, or depend on which arguments came by keyword, as a cache and ``jax.jit``
    do.
    """
    if not hasattr(function, "__wrapped__") and not hasattr(function, "__signature__"):
        return False
    code = getattr(function, "__code__", None)
    if code is None:
        return True
    count = code.co_argcount + code.co_kwonlyargcount
    count += bool(code.co_flags & inspect.CO_VARARGS) + bool(code.co_flags & inspect.CO_VARKEYWORDS)
    return set(code.co_varnames[:count]) != set(signature.parameters)


_NOT_PLAIN: Final = (
    inspect.CO_GENERATOR
    | inspect.CO_COROUTINE
    | inspect.CO_ASYNC_GENERATOR
    | inspect.CO_ITERABLE_COROUTINE
)


def flavour_of(function: Any) -> Flavour:
    """Return which of Python's kinds of function this is, inside of partials."""
    if type(function) is types.FunctionType and not function.__code__.co_flags & _NOT_PLAIN:
        return "function"  # a shortcut: this runs for every function of a package
    function = called_function(function)
    if inspect.isasyncgenfunction(function):
        return "async generator"
    if inspect.isgeneratorfunction(function):
        return "generator"
    return "coroutine" if inspect.iscoroutinefunction(function) else "function"
