"""Monitor calls into NumPy and other libraries with `sys.monitoring`, on Python 3.12 and later.

`sys.monitoring` (PEP 669) reports the calls of selected code objects and costs nothing elsewhere.
It reports only the first argument of a call, and no operators. Python 3.11 has no equivalent.
"""

from __future__ import annotations

import inspect
import sys
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from sekisho.context import caller
from sekisho.errors import UnguardedWarning
from sekisho.monitor.judging import refuse
from sekisho.monitor.state import thread
from sekisho.utils import codes_in, once, original_of, warn_at_frame
from sekisho.worlds import class_of, find_world, loaded_worlds

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import CodeType

__all__ = ["show_calls"]

# With getattr, because type checkers assume Python 3.11, which lacks the module.
_monitoring: Final[Any] = getattr(sys, "monitoring", None)


def show_calls(function: Callable[..., Any]) -> None:
    """Monitor the calls in a function's body, and in the functions defined inside it."""
    code: Any = getattr(inspect.unwrap(function), "__code__", None)
    tool = _tool() if _monitoring else None
    if tool is not None and code is not None:
        for each in codes_in(code):
            _monitoring.set_local_events(tool, each, _monitoring.events.CALL)


@once
def _tool() -> int | None:
    """Claim a tool id of `sys.monitoring`; None, with one warning, if all are taken."""
    numbers = (4, 3, 5, 1, 2, 0)  # ids that PEP 669 does not assign to a kind of tool come first
    for number in numbers:
        if _monitoring.get_tool(number) is None:
            _monitoring.use_tool_id(number, "sekisho")
            _monitoring.register_callback(number, _monitoring.events.CALL, _look_at_call)
            return number
    _say_taken([str(_monitoring.get_tool(number)) for number in sorted(numbers)])
    return None


def _say_taken(tools: list[str]) -> None:
    text = (
        "strict mode does not see calls into NumPy in the bodies of other worlds: all six tool ids "
        f"of sys.monitoring are taken, by {', '.join(tools)}\n"
        "  hint: run strict mode without one of them"
    )
    warn_at_frame(caller(), text, UnguardedWarning)


def _look_at_call(_code: CodeType, _offset: int, called: Any, first: Any) -> None:
    watch = thread.watch
    world = None if watch is None else find_world(first)
    if watch is None or world is None or world.is_scalar(first):
        return
    if original_of(called) is not called:
        return  # the wrapper judges the call itself
    name = _library(called)
    library = next((each for each in loaded_worlds() if each.name == name), None)
    if library is None or (library is watch.home is world):
        return
    # A world that reports all its operations has reported this one already.
    if not world.shows_all and (library is watch.home or not library.shows_all):
        called_name = getattr(called, "__qualname__", None) or called.__name__
        module = str(getattr(called, "__module__", None) or "")
        name = module if module.startswith(f"{name}.") and "._" not in module else name
        # The library that is not the body's own, for the hint.
        other = library if library is not watch.home else world
        refuse(watch, f"{name}.{called_name}", first, library, other)


def _library(called: Any) -> str:
    """Return the package of a function; methods of arrays belong to NumPy."""
    if isinstance(called, np.ufunc):
        return "numpy"
    owner: Any = getattr(called, "__objclass__", None) or class_of(
        getattr(called, "__self__", None)
    )
    if issubclass(owner, np.ndarray):
        return "numpy"
    return str(getattr(called, "__module__", None) or "").partition(".")[0]
