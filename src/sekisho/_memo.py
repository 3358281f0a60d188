"""jaxtyping's own memory of one call's axes, lent to what only jaxtyping can check."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any, Final

from sekisho._axes import Axis, Bindings
from sekisho._specs import ArraySpec

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["PYTREE", "check_in_scope"]

_MEMO: Final = "<jaxtyping>"
# A PyTree binds more than axes: its structure, and an axis a place. What jaxtyping remembers of
# that goes from argument to argument as if it were one axis more.
PYTREE: Final = ArraySpec("PyTree", None, axes=(Axis(_MEMO, name=_MEMO),))


def check_in_scope(check: Callable[[object], bool], value: object, bound: Bindings) -> bool:
    """Let jaxtyping itself judge a value, with the axes bound so far; bind those that it binds.

    For annotations with arrays inside that only jaxtyping understands.
    """
    storage: Any = importlib.import_module("jaxtyping._storage")
    single, variadic, pytree, _ = storage.push_shape_memo({})
    of_places, structures = bound.get(_MEMO, ({}, {}))
    single.update(of_places)
    pytree.update(structures)
    for key, size in bound.items():
        if key.startswith("*"):
            variadic[key[1:]] = (f"#{key}" in bound, size)
        elif key.isidentifier():
            single[key] = size
    try:
        verdict = check(value)
        single, variadic, pytree, _ = storage.get_shape_memo()
    finally:
        storage.pop_shape_memo()
    if verdict:
        bound.update({name: size for name, size in single.items() if name.isidentifier()})
        others = {name: size for name, size in single.items() if not name.isidentifier()}
        bound[_MEMO] = (others, dict(pytree))
        bound.update({f"*{name}": shape for name, (_, shape) in variadic.items()})
        bound.update({f"#*{name}": 1 for name, (grows, _) in variadic.items() if grows})
    return verdict
