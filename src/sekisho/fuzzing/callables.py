"""Functions to pass for a parameter that takes one, each with the code of a lambda."""

from __future__ import annotations

from collections import abc
from typing import TYPE_CHECKING, Any, get_args, get_origin

from sekisho.fuzzing.codes import UNKNOWN, code_of
from sekisho.fuzzing.recipes import Leaf

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["callable_of", "is_callable_hint"]


def is_callable_hint(hint: Any) -> bool:
    """Return whether a hint asks for any callable of a signature."""
    callable_class: Any = abc.Callable
    return callable_class in {hint, get_origin(hint)}


def callable_of(hint: Any, draw: Callable[[Any], Any]) -> Leaf | None:
    """Return a function that a hint accepts; None if none is known.

    What maps a type to itself, as an activation function does, returns its argument. Others return
    one value of their result's type.

    Args:
        hint: of a callable.
        draw: draws a value of a type; raises if it cannot.
    """
    arguments = get_args(hint)
    takes, gives = arguments or (..., None)
    if isinstance(takes, list) and takes and takes[0] == gives:
        return Leaf(_first, "lambda x, *_, **__: x")
    value = None if gives in {None, type(None), Any} else draw(gives)
    code = code_of(value).text
    if code == UNKNOWN:
        return None

    def give(*_: Any, **__: Any) -> Any:
        return value

    return Leaf(give, f"lambda *_, **__: {code}")


def _first(x: Any, *_: Any, **__: Any) -> Any:
    return x
