"""What is made once a process, whichever threads ask for it."""

from __future__ import annotations

import functools
import threading
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["once"]

P = ParamSpec("P")
R = TypeVar("R")


def once(function: Callable[P, R]) -> Callable[P, R]:
    """Keep what a function returns for its arguments, and call it once for them.

    `functools.cache` calls it twice if a second thread asks while the first is at it, which does harm
    where the call changes something: a function of a library would be wrapped twice.
    """
    known: dict[Any, R] = {}
    lock = threading.RLock()  # what it makes may ask for itself

    @functools.wraps(function)
    def call(*args: P.args, **kwargs: P.kwargs) -> R:
        key = (args, *kwargs.items())
        if key not in known:
            with lock:
                if key not in known:
                    known[key] = function(*args, **kwargs)
        return known[key]

    return call
