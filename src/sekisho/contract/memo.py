"""jaxtyping's own memory of one call's axes, for what only jaxtyping can check."""

from __future__ import annotations

import importlib
from functools import cache
from typing import TYPE_CHECKING, Any, Final

from sekisho.contract.axes import Axis
from sekisho.contract.expressions import Bindings
from sekisho.contract.specs import ArraySpec

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

__all__ = ["PYTREE", "check_in_scope", "close_memo", "open_memo", "read_memo", "write_memo"]


_MEMO: Final = "<jaxtyping>"
# A PyTree binds more than axes: its structure, and an axis a place. What jaxtyping remembers of
# that goes from argument to argument as if it were one axis more.
PYTREE: Final = ArraySpec("PyTree", None, axes=(Axis(_MEMO, name=_MEMO),))


def check_in_scope(check: Callable[[object], bool], value: object, bound: Bindings) -> bool:
    """Let jaxtyping itself judge a value, with the axes bound so far; bind those that it binds.

    For annotations with arrays inside that only jaxtyping understands.
    """
    open_memo(bound, {})
    try:
        verdict = check(value)
        if verdict:
            read_memo(bound)
    finally:
        close_memo()
    return verdict


def open_memo(bound: Bindings, arguments: Mapping[str, Any]) -> None:
    """Have jaxtyping's `isinstance` ask, in this thread, with the axes bound so far."""
    _storage().push_shape_memo(dict(arguments))
    write_memo(bound)


def write_memo(bound: Bindings) -> None:
    """Tell jaxtyping what is bound by now."""
    single, variadic, pytree, _ = _storage().get_shape_memo()
    of_places, structures = bound.get(_MEMO, ({}, {}))
    single.update(of_places)
    pytree.update(structures)
    for key, size in bound.items():
        if key.startswith("*"):
            variadic[key[1:]] = (f"#{key}" in bound, size)
        elif key.isidentifier():
            single[key] = size


def read_memo(bound: Bindings) -> None:
    """Bind what jaxtyping has bound since."""
    single, variadic, pytree, _ = _storage().get_shape_memo()
    bound.update({name: size for name, size in single.items() if name.isidentifier()})
    others = {name: size for name, size in single.items() if not name.isidentifier()}
    if others or pytree:
        bound[_MEMO] = (others, dict(pytree))
    bound.update({f"*{name}": shape for name, (_, shape) in variadic.items()})
    bound.update({f"#*{name}": 1 for name, (grows, _) in variadic.items() if grows})


def close_memo() -> None:
    """Have it ask alone again, or with what was bound outside."""
    _storage().pop_shape_memo()


@cache
def _storage() -> Any:
    return importlib.import_module("jaxtyping._storage")
