"""Whether JAX makes an object out of leaves: then they may be anything, and nobody is to check them.

`jax.vmap`, `jax.tree.map` and all that goes through a PyTree call the class of a node with what they
have: None, ``object()``, shapes without values, arrays with an axis more. JAX has no hook for it and
tells nobody: often its C++ calls the class, without a frame of Python's between. So the frames say: the
nearest one that is calling something of ``jaxlib`` (a ``PyTreeDef``, a compiled function), if none
of JAX's own Python stands before it, is unflattening, since that is all that its C++ calls users for.
"""

from __future__ import annotations

import builtins
import dis
import inspect
import sys
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

from sekisho.ground import is_guard
from sekisho.worlds import class_of

if TYPE_CHECKING:
    from types import CodeType, FrameType

__all__ = ["constructs", "is_unflattening"]

_NEAR: Final = 4  # frames: a ``tree_unflatten`` of the user's, and what it calls to make its object


def constructs(function: str) -> bool:
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
        if frame is None or is_guard(frame.f_code):
            continue
        if _is_jaxlibs(_callee(frame)):
            return True
        if frame.f_globals.get("__name__", "").partition(".")[0] == "jax":
            return False
        near += 1
    return False


def _is_jaxlibs(value: Any) -> bool:
    """Whether it is something of JAX's C++, or a method or a partial of it."""
    inside = (getattr(value, name, None) for name in ("__self__", "__func__", "func"))
    return any(class_of(each).__module__.partition(".")[0] == "jaxlib" for each in (value, *inside))


def _callee(frame: FrameType) -> Any:
    """What a frame is calling right now, if a name or a path of attributes says what."""
    first, *attributes = _callee_names(frame.f_code, frame.f_lasti) or (None,)
    for names in (frame.f_locals, frame.f_globals, vars(builtins)):
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


@lru_cache(maxsize=512)
def _callee_names(code: CodeType, at: int) -> tuple[str, ...]:
    """The name and the attributes that a call spells its function with; none if it does otherwise.

    The function's expression starts where the call does, and so does whatever it is made of.
    """
    spans: dict[Any, dis.Instruction] = {}
    here: Any = None
    for each in dis.get_instructions(code):
        where = each.positions
        if where is None or where.lineno is None:
            continue
        if each.offset == at:
            here = where
            break
        if each.opname.startswith(("LOAD_", "CALL", "BINARY_")):
            spans[where] = each
    if here is None:
        return ()
    parts = [
        (where.end_lineno, where.end_col_offset, each)
        for where, each in spans.items()
        if (where.lineno, where.col_offset) == (here.lineno, here.col_offset)
        and (where.end_lineno, where.end_col_offset) < (here.end_lineno, here.end_col_offset)
    ]
    instructions = [each for *_, each in sorted(parts, key=lambda part: part[:2])]
    loads = [each.opname in {"LOAD_ATTR", "LOAD_METHOD"} for each in instructions]
    is_path = bool(loads) and not loads[0] and all(loads[1:])
    if not is_path or not all(isinstance(each.argval, str) for each in instructions):
        return ()
    return tuple(each.argval for each in instructions)
