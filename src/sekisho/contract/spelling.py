"""Write annotations as a reader would, and find the array classes in them."""

from __future__ import annotations

import re
import types
import typing
from typing import TYPE_CHECKING, Any, TypeVar, get_args, get_origin

from sekisho.contract.pytrees import is_array_like, leaf_of
from sekisho.utils import is_protocol
from sekisho.worlds import type_name, world_names, world_of_class

if TYPE_CHECKING:
    from sekisho.worlds import Library

__all__ = ["annotation_text", "foreign_types", "takes_arrays"]


def takes_arrays(hint: Any) -> bool:
    """Return whether a hint that names no array accepts containers of arrays.

    Such are a protocol for anything that converts to an array, and ``list[T]`` with a type
    variable.
    """
    if any(isinstance(each, TypeVar) for each in get_args(hint)):
        return True
    alternatives = (
        get_args(hint) if get_origin(hint) in {typing.Union, types.UnionType} else (hint,)
    )
    kinds = [get_origin(each) or each for each in alternatives]
    return any(is_protocol(k) and hasattr(k, "__array__") for k in kinds)


def foreign_types(hint: Any, world: Library | None) -> tuple[str, ...]:
    """Return the array types of foreign worlds that an annotation mentions.

    Args:
        hint: an annotation.
        world: the world that is not foreign; None if all are.
    """
    leaf = leaf_of(hint)
    if leaf is not None:
        return foreign_types(leaf, world)
    if isinstance(hint, type):
        inner = getattr(hint, "array_type", hint)
        if world is not None and inner is world.array_type():  # as most are
            return ()
        found = world_of_class(inner)
        return () if found in {None, world} else (type_name(inner),)
    origin = get_origin(hint)
    if origin is type or is_array_like(hint, world):  # a class is no array of its library
        return ()
    found = world_of_class(origin) if origin is not None else None
    here = (type_name(origin),) if found not in {None, world} and origin is not None else ()
    return here + tuple(name for each in get_args(hint) for name in foreign_types(each, world))


def annotation_text(hint: Any) -> str:
    """Return an annotation as a reader would write it."""
    if isinstance(hint, type) and get_origin(hint) is None:
        return hint.__name__.rpartition(".")[2]  # `jax.Array` has its module in its name
    if isinstance(hint, (types.ModuleType, types.FunctionType, types.BuiltinFunctionType)):
        return hint.__name__
    modules = "|".join((r"typing|collections\.abc|jaxtyping", *world_names()))
    return re.sub(rf"\b(?:{modules})\.", "", repr(hint))
