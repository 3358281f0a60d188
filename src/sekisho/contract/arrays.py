"""Parse the annotation of one array: its world, dtype and axes.

jaxtyping is never imported here: an annotation can only be jaxtyping's if it is loaded already.
"""

from __future__ import annotations

import sys
from typing import Any, get_origin

from sekisho.contract.axes import parse_axes
from sekisho.contract.keys import dtype_key
from sekisho.contract.specs import ArraySpec
from sekisho.worlds import Array, Library, loaded_worlds, world_of_class

__all__ = ["is_jaxtyping", "jaxtyping_spec", "parse_array"]


def parse_array(hint: Any, home: Library | None) -> ArraySpec | None:
    """Parse the annotation of one array; return None for any other annotation.

    Args:
        hint: an annotation.
        home: the world of an array whose annotation names no world; None for any.

    Raises:
        ValueError: for a malformed axis string.
    """
    if hint is Array:
        return ArraySpec("Array", home, takes_scalars=True)
    if is_jaxtyping(hint):
        array_type: Any = getattr(hint, "array_type", None)
        if array_type is Any or (home is not None and array_type is home.array_type()):
            return jaxtyping_spec(hint, home, None)
        world = world_of_class(array_type)
        return jaxtyping_spec(hint, world, _subclass(array_type, world)) if world else None
    alias = _parse_alias(hint)
    if alias is not None or get_origin(hint) is not None:
        return alias
    if not isinstance(hint, type):
        return None
    world = world_of_class(hint)
    own = _subclass(hint, world) if world else None
    name = hint.__name__ if own or world is None else world.array_class
    return ArraySpec(name, world, own) if world else None


def is_jaxtyping(hint: Any) -> bool:
    """Return whether an annotation is jaxtyping's."""
    jaxtyping = sys.modules.get("jaxtyping")
    return (
        jaxtyping is not None
        and isinstance(hint, type)
        and issubclass(hint, jaxtyping.AbstractArray)
    )


def jaxtyping_spec(hint: Any, world: Library | None, array_type: type | None) -> ArraySpec:
    """Parse jaxtyping's annotation of an array.

    Args:
        hint: the annotation.
        world: the world of the array; None for any.
        array_type: the subclass of the world's array class that is required, if one is.
    """
    dtypes = hint.dtypes
    if not isinstance(dtypes, tuple):
        dtypes = None  # jaxtyping's own marker for any dtype, as in Shaped
    any_array = hint.array_type is Any
    if any_array:
        name = world.array_class if world else "Array"
    elif world is not None and array_type is None:
        name = world.array_class  # the class may have another name of its own
    else:
        name = getattr(hint.array_type, "__name__", None) or repr(hint.array_type)
    label = hint.dtype.__name__
    return ArraySpec(
        text=f'{label}[{name}, "{hint.dim_str}"]',
        world=world,
        array_type=array_type,
        dtypes=dtypes,
        dtype_label=label if dtypes else None,
        axes=None if hint.dim_str == "..." else parse_axes(hint.dim_str),
        takes_scalars=any_array,
        takes_ducks=any_array,
    )


def _parse_alias(hint: Any) -> ArraySpec | None:
    """Parse a generic alias of a world's array class: ``NDArray[np.float32]``."""
    for world in loaded_worlds():
        alias = world.alias(hint)
        if alias is not None:
            axes = None if alias.axes is None else parse_axes(alias.axes)
            spec = ArraySpec(alias.text, world, alias.kind, alias.dtypes, alias.label, axes)
            return (
                spec
                if alias.variable is None
                else spec._replace(dtype_key=dtype_key(alias.variable))
            )
    return None


def _subclass(kind: Any, world: Library) -> type | None:
    return None if kind is world.array_type() else kind
