"""Compute a value once per process, whichever thread calls first."""

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
    """Cache a function's results and call it at most once for each set of arguments.

    `functools.cache` may call the function twice if a second thread arrives during the first call.
    That does harm if the call has side effects: a library's function would be wrapped twice.
    """
    known: dict[Any, R] = {}
    lock = threading.RLock()  # reentrant: the function may call itself

    @functools.wraps(function)
    def call(*args: P.args, **kwargs: P.kwargs) -> R:
        key = (args, *kwargs.items())
        if key not in known:
            with lock:
                if key not in known:
                    known[key] = function(*args, **kwargs)
        return known[key]

    return call
