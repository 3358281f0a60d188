"""Whether JAX makes an object out of leaves: then they may be anything, and nobody is to check them.

`jax.vmap`, `jax.tree.map` and all that goes through a PyTree call the class of a node with what they
have: None, ``object()``, shapes without values, arrays with an axis more. JAX has no hook for it and
tells nobody: often its C++ calls the class, without a frame of Python's between. So the frames say: the
nearest one that is calling something of ``jaxlib`` (a ``PyTreeDef``, a compiled function), if none
of JAX's own Python stands before it, is unflattening, since that is all that its C++ calls users for.
"""

from __future__ import annotations

import builtins
import inspect
import sys
from typing import TYPE_CHECKING, Any, Final

from sekisho.ground import callee_names, is_guard, locals_of
from sekisho.worlds.dtypes import class_of, package_of

if TYPE_CHECKING:
    from types import FrameType

__all__ = ["is_unflattening", "may_unflatten"]

_OWN: Final = __name__.partition(".")[0]
_NEAR: Final = 4  # frames: a ``tree_unflatten`` of the user's, and what it calls to make its object


def may_unflatten(function: str) -> bool:
    """Whether a function so called makes an object, and JAX is there to call it."""
    return function.rpartition(".")[2] in {"__init__", "__new__"} and "jax" in sys.modules


def is_unflattening() -> bool:
    """Whether the constructor whose guard is running was called to unflatten a PyTree of JAX's."""
    frame = inspect.currentframe()
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
    """Whether it is something of JAX's C++, or a method or a partial of it."""
    inside = (getattr(value, name, None) for name in ("__self__", "__func__", "func"))
    return any(package_of(class_of(each)) == "jaxlib" for each in (value, *inside))


def _callee(frame: FrameType) -> Any:
    """What a frame is calling right now, if a name or a path of attributes says what."""
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
        except Exception:  # noqa: BLE001 - a property may raise anything
            return None
    return value
