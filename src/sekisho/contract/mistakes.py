"""Refuse what users write by mistake for an annotation, and name the annotation that they mean."""

from __future__ import annotations

import sys
import types
from typing import Any

import numpy as np

from sekisho.worlds import HOST, Library, asked_worlds, dtype_name

__all__ = ["refuse_mistake"]


def refuse_mistake(hint: Any) -> None:
    """Refuse a dtype, a function or a module that stands as an annotation.

    Raises:
        ValueError: with the annotation that is meant. An annotation that cannot be read always
            raises a ValueError.
    """
    for world in asked_worlds():
        if world.is_dtype(hint):
            text = _array_of(dtype_name(hint), _class_name(world))
            raise ValueError(f"a dtype is no annotation{text}")
    if isinstance(hint, (types.FunctionType, types.BuiltinFunctionType, np.ufunc)):
        meant = _world_of_maker(hint)
        text = f"\n  hint: the class is {_class_name(meant)}" if meant else ""
        raise ValueError(f"a function is no annotation{text}")  # noqa: TRY004 - as for any bad annotation
    if isinstance(hint, types.ModuleType):
        of_world = [world for world in asked_worlds() if world.module() is hint]
        text = f"\n  hint: the class is {_class_name(of_world[0])}" if of_world else ""
        raise ValueError(f"a module is no annotation{text}")  # noqa: TRY004 - as for any bad annotation
    jaxtyping: Any = sys.modules.get("jaxtyping")
    if jaxtyping and isinstance(hint, type) and issubclass(hint, jaxtyping.AbstractDtype):
        raise ValueError(
            f'it names a dtype and no array\n  hint: {hint.__name__}[{_class_name(HOST)}, "..."], '
            f"or the array and the axes that you mean"
        )


def _world_of_maker(function: Any) -> Library | None:
    """Return the world whose arrays a function makes, by its library or by its name."""
    package = str(getattr(function, "__module__", None) or "").partition(".")[0]
    of_name = [world for world in asked_worlds() if function.__name__ in world.makers]
    own = [world for world in asked_worlds() if world.name == package and of_name]
    return next(iter((*own, *of_name)), None)


def _class_name(world: Library) -> str:
    """Return a world's array class as an annotation spells it."""
    return f"{world.name}.{world.array_class}"


def _array_of(dtype: str, library: str) -> str:
    prefix = {"uint": "UInt", "int": "Int", "bfloat": "BFloat"}
    name = next((k for k in prefix if dtype.startswith(k)), None)
    word = prefix[name] + dtype.removeprefix(name) if name else dtype[:1].upper() + dtype[1:]
    word = word.replace("_", "")  # float8_e5m2 is Float8e5m2
    jaxtyping: Any = sys.modules.get("jaxtyping")
    known = jaxtyping is None or hasattr(jaxtyping, word)
    return f'\n  hint: {word}[{library}, "..."], of jaxtyping' if known else ""
