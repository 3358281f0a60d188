"""Check single facts of a value: its shape, the dtype of a type variable, the class `Self`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from sekisho.contract import FREE
from sekisho.errors import (
    BoundaryError,
    DTypeError,
    SekishoError,
    WorldError,
    hide_in_pytest,
    with_class,
)
from sekisho.validation.invalid import Invalid
from sekisho.worlds import class_of, dtype_name, find_world, type_name

if TYPE_CHECKING:
    from sekisho.contract import ArraySpec, HintSpec, SelfSpec
    from sekisho.validation.violations import Place

__all__ = [
    "validate_self",
    "bind_dtype",
    "shape_of",
    "why_classless",
    "why_unhashable",
    "why_no_scalar",
    "why_unreadable",
]

__tracebackhide__ = hide_in_pytest


def validate_self(spec: SelfSpec, value: Any, place: Place, call: Any) -> Any:
    """Return the value if it is an instance of the class that the method was called on; else an `Invalid`."""
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
    return Invalid(BoundaryError, spec, value, place, f"{place.it} is not an instance of {name}")


def bind_dtype(spec: ArraySpec, key: str, value: Any, place: Place, call: Any) -> Invalid | None:
    """Bind a type variable to one dtype for the whole call.

    Returns:
        None; an `Invalid` if the variable is bound to another dtype.
    """
    bound = call.bound.setdefault(key, value.dtype)
    if bound is FREE:
        return None
    if key not in call.binders and bound is value.dtype:
        call.binders[key] = place.it
    here, wanted = dtype_name(value.dtype), dtype_name(bound)
    if here == wanted:
        return None
    who = place.binder(key, call.binders)
    start = f"dtype '{key[1:]}' is {wanted}{f' (from {who})' if who else ''}"
    return Invalid(DTypeError, spec, value, place, f"{start}, but {place.it} is {here}")


def shape_of(local: Any, spec: ArraySpec, value: Any, place: Place, call: Any) -> Any:
    """Return the shape of a value, or an `Invalid` if its library raises an error.

    Args:
        local: the array with the shape that the annotation is about: `value`, or its local shard.
        spec: the annotation.
        value: the value.
        place: where it is.
        call: what the call knows.
    """
    try:
        return tuple(local.shape)
    except Exception:
        why = why_unreadable(value)
        if why is None:
            raise
    reason, hint = why
    if not spec.owns(value, call.world):
        hint = None  # it must be converted first, so a hint on sizes would not help
    return Invalid(WorldError, spec, value, place, f"{place.it} {reason}", hint)


def why_unreadable(value: Any) -> tuple[str, str | None] | None:
    """Return why an array's shape or dtype cannot be read, and a hint; None if they can."""
    world = find_world(value)
    if world is None:
        return None
    try:
        len(value.shape)
        # The inline check asks a set whether it holds the dtype.
        hash(value.dtype)
    except SekishoError:
        raise
    except Exception as error:  # noqa: BLE001 - it may raise anything
        return world.why_shapeless(value) or (_hostile(error), None)
    return None


def why_classless(value: Any, classes: tuple[Any, ...] = ()) -> str | None:
    """Return why a value's class cannot be read, or compared to `classes`; None if it can."""
    try:
        value.__class__  # noqa: B018 - a property may raise anything
        isinstance(value, classes)  # an abstract class hashes the value's class
    except SekishoError:
        raise
    except Exception as error:  # noqa: BLE001 - a property may raise anything
        return _hostile(error)
    return None


def why_unhashable(value: Any) -> str | None:
    """Return why a value's class has no hash, as under a metaclass that defines ``==``; None if it has one."""
    try:
        hash(class_of(value))
    except SekishoError:
        raise
    except Exception as error:  # noqa: BLE001 - a metaclass may raise anything
        return _hostile(error)
    return None


def _hostile(error: Exception) -> str:
    """Word an error that a look at a value has raised."""
    return f"cannot be looked at: {with_class(error)}"


def why_no_scalar(spec: HintSpec, value: Any) -> str | None:
    """Return what is wrong if an annotation names a scalar of NumPy and the value is an array."""
    kind = spec.classes[0]
    if not issubclass(kind, np.generic) or find_world(value) is None:
        return None
    array = f"numpy.typing.NDArray[numpy.{kind.__name__}]"
    return f"{spec.text} is one number, a scalar of NumPy; an array of them is {array}"
