"""Check single facts of a value: its shape, the dtype of a type variable, the class `Self`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from sekisho.contract import FREE
from sekisho.errors import BoundaryError, DTypeError, WorldError, hide_in_pytest
from sekisho.worlds import class_of, dtype_name, find_world, is_compiling, type_name

if TYPE_CHECKING:
    from sekisho.contract import ArraySpec, HintSpec, SelfSpec
    from sekisho.validation.violations import Place

__all__ = ["validate_self", "bind_dtype", "shape_of", "why_no_scalar"]

__tracebackhide__ = hide_in_pytest


def validate_self(spec: SelfSpec, value: Any, place: Place, call: Any) -> Any:
    """Return a value that is an instance of the class that the method was called on.

    Raises:
        BoundaryError: if it is not.
    """
    owner = call.bound[spec.argument]
    kind = owner if isinstance(owner, type) else class_of(owner)
    # In a method of a metaclass, `self` is a class.
    is_instance = isinstance(value, kind) or (
        isinstance(owner, type)
        and class_of(owner) is not type
        and isinstance(value, class_of(owner))
    )
    if is_instance:
        return value
    name = type_name(kind)
    raise BoundaryError(place.violation(spec, value, f"{place.it} is not an instance of {name}"))


def bind_dtype(spec: ArraySpec, key: str, value: Any, place: Place, call: Any) -> None:
    """Bind a type variable to one dtype for the whole call.

    Raises:
        DTypeError: if it is bound to another dtype.
    """
    bound = call.bound.setdefault(key, value.dtype)
    if bound is FREE:
        return
    if key not in call.binders and bound is value.dtype:
        call.binders[key] = place.it
    here, wanted = dtype_name(value.dtype), dtype_name(bound)
    if here != wanted:
        who = place.binder(key, call.binders)
        start = f"dtype '{key[1:]}' is {wanted}{f' (from {who})' if who else ''}"
        raise DTypeError(place.violation(spec, value, f"{start}, but {place.it} is {here}"))


def shape_of(local: Any, spec: ArraySpec, value: Any, place: Place, call: Any) -> tuple[Any, ...]:
    """Return the shape of a value.

    Raises:
        WorldError: if the value cannot tell its shape, with the error that it raises.
    """
    try:
        return tuple(local.shape)
    except Exception:
        violation = None if is_compiling() else place.unreadable(spec, value)
        if violation is None:
            raise
        # It must be converted first, so a hint on sizes would not help.
        if not spec.owns(value, call.world):
            violation = violation._replace(hint=None)
        raise WorldError(violation) from None


def why_no_scalar(spec: HintSpec, value: Any) -> str | None:
    """Return what is meant, if an annotation names a scalar and an array is passed."""
    kind = spec.classes[0]
    if not issubclass(kind, np.generic) or find_world(value) is None:
        return None
    array = f"numpy.typing.NDArray[numpy.{kind.__name__}]"
    return f"{spec.text} is one number, a scalar of NumPy; an array of them is {array}"
