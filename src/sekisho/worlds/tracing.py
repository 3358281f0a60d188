"""Detect whether a compiler is tracing this Python code instead of running it."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any, Final

from sekisho.worlds.release import release_of

if TYPE_CHECKING:
    from collections.abc import Container

__all__ = [
    "is_compiling",
    "mark_axes",
    "runs_while_compiling",
    "traceable_classes",
    "traceable_dtypes",
]


def is_compiling() -> bool:
    """Return whether a torch compiler is tracing this code. It can trace plain Python only.

    Only torch needs this check. JAX traces a function by running it, so all code here runs as
    usual.
    """
    try:
        compiling: bool = sys.modules["torch"].compiler.is_compiling()
    except (KeyError, AttributeError):  # torch is not imported, or is being imported
        return False
    return compiling


def runs_while_compiling() -> bool:
    """Return whether this code really runs, but on behalf of code that torch is compiling.

    Up to torch 2.12, `is_compiling` is only true in traced code.
    """
    if "torch" not in sys.modules:
        return False
    from sekisho.worlds.torch import is_tracing_context  # noqa: PLC0415 - circular import

    return is_compiling() or is_tracing_context()


def mark_axes(tensor: Any, axes: list[int]) -> None:
    """Mark axes of a tensor as dynamic, for the next compilation by torch."""
    from sekisho.worlds.torch import mark_axes  # noqa: PLC0415 - circular import

    mark_axes(tensor, axes)


_COMPARES_ALL: Final = (2, 13)
"""The first release of torch whose compiler can compare NumPy dtypes."""


class _Traceable:
    """Dtypes of several libraries, for a compiler that can only compare those of torch."""

    __slots__ = ("every", "torch")

    def __init__(self, every: frozenset[Any], torch: frozenset[Any]) -> None:
        self.every = every
        self.torch = torch

    def __contains__(self, dtype: object) -> bool:
        return dtype in (self.torch if is_compiling() else self.every)


def traceable_dtypes(every: frozenset[Any]) -> Container[Any]:
    """Return a container of dtypes whose membership test a torch compiler can trace.

    Up to torch 2.12, the compiler cannot trace a test in a set that also contains NumPy dtypes.
    """
    torch = sys.modules.get("torch")
    if torch is None or not hasattr(torch, "dtype") or release_of(torch) >= _COMPARES_ALL:
        return every
    return _Traceable(every, frozenset(each for each in every if isinstance(each, torch.dtype)))


_HOLDS_CLASSES: Final = (2, 9)
"""The first release of torch whose compiler can trace the membership of a class in a set."""


def traceable_classes(*classes: type) -> Container[type]:
    """Return a container of classes whose membership test a torch compiler can trace."""
    torch = sys.modules.get("torch")
    if torch is None or not hasattr(torch, "dtype") or release_of(torch) >= _HOLDS_CLASSES:
        return frozenset(classes)
    return classes
