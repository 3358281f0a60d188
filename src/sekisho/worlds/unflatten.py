"""Detect whether JAX is rebuilding an object from leaves, which must not be validated.

`jax.vmap`, `jax.tree.map` and everything else that works with PyTrees call the class of a node with
any values: None, ``object()``, shapes without values, arrays with an additional axis. JAX has no
hook for this, and often its C++ calls the class directly, without a Python frame in between. So
this module inspects the frames. The nearest frame that is calling an object of ``jaxlib`` (a
``PyTreeDef``, a compiled function) is unflattening, unless a Python frame of JAX comes first,
because unflattening is the only reason why the C++ code calls a user's class.
"""

from __future__ import annotations

import builtins
import inspect
import sys
from typing import TYPE_CHECKING, Any, Final

from sekisho.utils import callee_names, is_guard, locals_of
from sekisho.worlds.dtypes import class_of, package_of

if TYPE_CHECKING:
    from types import FrameType

__all__ = ["is_unflattening", "may_unflatten"]

_OWN: Final = __name__.partition(".")[0]
_NEAR: Final = 4  # frames: the user's ``tree_unflatten`` and the functions that it calls


def may_unflatten(function: str) -> bool:
    """Return whether a function of this name constructs an object and JAX is imported."""
    return function.rpartition(".")[2] in {"__init__", "__new__"} and "jax" in sys.modules


def is_unflattening() -> bool:
    """Return whether the constructor whose guard is running was called to unflatten a PyTree."""
    frame = inspect.currentframe()
    # Skip sekisho's own frames up to the guard of the constructor: its callers decide.
    while frame is not None and not is_guard(frame.f_code):
        frame = frame.f_back
    near = 0
    while frame is not None and near < _NEAR:
        frame = frame.f_back
        package = frame.f_globals.get("__name__", "").partition(".")[0] if frame else ""
        if frame is None or is_guard(frame.f_code) or package == _OWN:
            continue
        if _is_jaxlibs(_callee(frame)):
            return True
        if package == "jax":
            return False
        near += 1
    return False


def _is_jaxlibs(value: Any) -> bool:
    """Return whether an object is defined in JAX's C++, or is a method or partial of one."""
    inside = (getattr(value, name, None) for name in ("__self__", "__func__", "func"))
    return any(package_of(class_of(each)) == "jaxlib" for each in (value, *inside))


def _callee(frame: FrameType) -> Any:
    """Return the object that a frame is calling, if it is found by a name or attributes."""
    path = callee_names(frame.f_code, frame.f_lasti)
    if not path:
        return None
    first, *attributes = path
    for names in (locals_of(frame), frame.f_globals, vars(builtins)):
        if first in names:
            value: Any = names[first]
            break
    else:
        return None
    for name in attributes:
        try:
            value = getattr(value, name)
        except Exception:  # noqa: BLE001 - a property may raise any exception
            return None
    return value
