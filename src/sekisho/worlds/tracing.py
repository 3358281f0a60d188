"""Whether a compiler reads this Python code instead of running it."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any, Final

from sekisho.worlds.release import release_of

if TYPE_CHECKING:
    from collections.abc import Container

__all__ = ["is_compiling", "runs_while_compiling", "traceable_classes", "traceable_dtypes"]


def is_compiling() -> bool:
    """Whether a compiler of torch is tracing what runs now. It sees plain Python only.

    No other library reads Python: jax traces by running it, so that nothing here is hidden from it.
    """
    try:
        compiling: bool = sys.modules["torch"].compiler.is_compiling()
    except (KeyError, AttributeError):  # not imported, or in the middle of it
        return False
    return compiling


def runs_while_compiling() -> bool:
    """Whether what really runs was called by what a compiler of torch is tracing.

    Up to torch 2.12 `is_compiling` is true in nothing but what is traced.
    """
    if "torch" not in sys.modules:
        return False
    from sekisho.worlds.torch import is_tracing_context  # noqa: PLC0415 - it imports this

    return is_compiling() or is_tracing_context()


_COMPARES_ALL: Final = (2, 13)
"""The first release of torch whose compiler compares dtypes of NumPy's."""


class _Traceable:
    """Dtypes of several libraries, for a compiler that can compare none but those of torch."""

    __slots__ = ("every", "torch")

    def __init__(self, every: frozenset[Any], torch: frozenset[Any]) -> None:
        self.every = every
        self.torch = torch

    def __contains__(self, dtype: object) -> bool:
        return dtype in (self.torch if is_compiling() else self.every)


def traceable_dtypes(every: frozenset[Any]) -> Container[Any]:
    """What is asked whether it holds a dtype, also where a compiler of torch traces the question.

    Up to torch 2.12 one that holds a dtype of NumPy's, too, is not for it.
    """
    torch = sys.modules.get("torch")
    if torch is None or not hasattr(torch, "dtype") or release_of(torch) >= _COMPARES_ALL:
        return every
    return _Traceable(every, frozenset(each for each in every if isinstance(each, torch.dtype)))


_HOLDS_CLASSES: Final = (2, 9)
"""The first release of torch whose compiler can ask a set whether it holds a class."""


def traceable_classes(*classes: type) -> Container[type]:
    """What is asked whether it holds a class, also where a compiler of torch traces the question."""
    torch = sys.modules.get("torch")
    if torch is None or not hasattr(torch, "dtype") or release_of(torch) >= _HOLDS_CLASSES:
        return frozenset(classes)
    return classes
