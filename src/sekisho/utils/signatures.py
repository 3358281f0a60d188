"""Show functions with the parameters that a user may pass, and without those that only word an error."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["shown_without"]

F = TypeVar("F", bound="Callable[..., Any]")


def shown_without(*names: str) -> Callable[[F], F]:
    """Leave parameters out of a function's signature as ``help()`` and editors show it.

    A default that is a plain ``object()`` stands for an argument that is missing, and is left out, too.
    """

    def mark(function: F) -> F:
        signature = inspect.signature(function)
        shown = [
            each.replace(default=each.empty) if type(each.default) is object else each
            for name, each in signature.parameters.items()
            if name not in names
        ]
        function.__signature__ = signature.replace(parameters=shown)  # type: ignore[attr-defined]
        return function

    return mark
