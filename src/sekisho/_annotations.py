"""What an annotation asks of a value: annotation -> `Spec`.

The only module that knows jaxtyping. An annotation is jaxtyping's only if jaxtyping has been
imported already, so this module never imports it either.
"""

from __future__ import annotations

import importlib
import re
import sys
import types
import typing
from abc import ABCMeta
from typing import TYPE_CHECKING, Any, Final, Literal, NamedTuple, get_args, get_origin

import numpy as np

from sekisho._axes import Axis, Bindings, parse_axes
from sekisho.worlds import NUMPY, WORLDS, Array, World, dtype_name, find_world, type_name

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = [
    "ANYTHING",
    "ArraySpec",
    "HintSpec",
    "Spec",
    "UnionSpec",
    "annotation_text",
    "array_specs",
    "check_in_scope",
    "foreign_types",
    "parse_annotation",
]


class ArraySpec(NamedTuple):
    """One array: world, dtype, axes.

    Attributes:
        text: the annotation as messages and generated comments show it.
        world: None means either world.
        array_type: a subclass that the annotation asks for (``Parameter``), or None for any array.
        dtypes: the names or patterns of which one must match; None accepts every dtype.
        dtype_label: what that set is called: ``Float32``, ``Real``; None where every dtype passes.
        axes: None means that any shape will do.
        takes_scalars: whether NumPy scalars are arrays here too: the annotation names no class.
    """

    text: str
    world: World | None
    array_type: type | None = None
    dtypes: tuple[str | re.Pattern[str], ...] | None = None
    dtype_label: str | None = None
    axes: tuple[Axis, ...] | None = None
    takes_scalars: bool = False

    def accepts_dtype(self, name: str) -> bool:
        """Whether an array whose dtype has this name (`worlds.dtype_name`) may pass."""
        return self.dtypes is None or any(
            each == name if isinstance(each, str) else each.match(name) is not None
            for each in self.dtypes
        )

    def owns(self, value: object, world: World | None) -> bool:
        """Whether `value` is an array of the kind asked for, whatever its dtype and shape.

        Args:
            value: anything.
            world: the world of this call, for an annotation that names none; None is either.
        """
        if self.array_type is not None:
            return isinstance(value, self.array_type)
        found = find_world(value)
        wanted = self.world or world
        if found is None or wanted not in {None, found}:
            return False
        return self.takes_scalars or not isinstance(value, np.generic)


class HintSpec(NamedTuple):
    """An annotation that is not an array's: a scalar, a class, ``Literal[...]``.

    Attributes:
        text: the annotation as messages show it.
        hint: the annotation, as the type checker is given it.
        classes: what `isinstance` may be asked instead of the type checker, where that is the
            same question; otherwise empty.
        arrays: the array annotations that stand somewhere inside, which only a checker in a
            jaxtyping scope can see; empty for most.
    """

    text: str
    hint: Any
    classes: tuple[type, ...] = ()
    arrays: tuple[ArraySpec, ...] = ()


class UnionSpec(NamedTuple):
    """``A | B``, at least one of them with an array inside. Tried in order."""

    text: str
    alternatives: tuple[Spec, ...]


class _Anything(NamedTuple):
    """``Any``: opts out."""

    text: str = "Any"


ANYTHING: Final = _Anything()

Spec = ArraySpec | HintSpec | UnionSpec | _Anything

_NONE_TYPE: Final = type(None)


def parse_annotation(hint: Any, home: World | None) -> Spec:
    """Read one resolved annotation.

    Args:
        hint: the annotation; no string and no forward reference.
        home: the world that arrays of no stated world belong to, or None for either.

    Raises:
        ValueError: for a malformed axis string; the text says what is wrong with it.
    """
    if hint is Any or hint is object:
        return ANYTHING
    if hint is None or hint is _NONE_TYPE:
        return HintSpec("None", None, (_NONE_TYPE,))
    # Python 3.12's `type X = ...`, and Annotated, whose other arguments are for other readers.
    while hasattr(hint, "__value__"):
        hint = hint.__value__
    bare = get_args(hint)[0] if get_origin(hint) is typing.Annotated else hint
    array = _parse_array(bare, home)
    if array is not None:
        return array
    if get_origin(bare) in {typing.Union, types.UnionType}:
        return _parse_union(bare, home)
    plain = type(hint) in {type, ABCMeta} and not hasattr(hint, "__orig_bases__")
    return HintSpec(
        annotation_text(hint), hint, (hint,) if plain else (), _arrays_inside(hint, home)
    )


def _parse_union(hint: Any, home: World | None) -> Spec:
    alternatives = tuple(parse_annotation(each, home) for each in get_args(hint))
    if ANYTHING in alternatives:
        return ANYTHING
    text = " | ".join(each.text for each in alternatives)
    hints = [each for each in alternatives if isinstance(each, HintSpec)]
    if len(hints) < len(alternatives):
        return UnionSpec(text, alternatives)
    classes = tuple(kind for each in hints for kind in each.classes)
    return HintSpec(
        text,
        hint,
        classes if all(each.classes for each in hints) else (),
        tuple(array for each in hints for array in each.arrays),
    )


def _parse_array(hint: Any, home: World | None) -> ArraySpec | None:
    if hint is Array:
        return ArraySpec("Array", home, takes_scalars=True)
    if get_origin(hint) is np.ndarray:
        return _parse_ndarray(hint)
    if not isinstance(hint, type):
        return None
    jaxtyping = sys.modules.get("jaxtyping")
    if jaxtyping is not None and issubclass(hint, jaxtyping.AbstractArray):
        return _parse_jaxtyping(hint, home)
    world = _world_of_type(hint)
    return world and ArraySpec(hint.__name__, world, _subclass(hint, world))


def _parse_jaxtyping(hint: Any, home: World | None) -> ArraySpec | None:
    array_type = hint.array_type
    if array_type is Any:
        world, name = home, "Array" if home is None else home.array_class
    else:
        world = _world_of_type(array_type)
        name = getattr(array_type, "__name__", repr(array_type))
        if world is None:
            return None
    dtypes = hint.dtypes
    if not isinstance(dtypes, tuple):
        dtypes = None  # jaxtyping's own marker for any dtype, as in Shaped
    axes = parse_axes(hint.dim_str)
    label = hint.dtype.__name__
    return ArraySpec(
        text=f'{label}[{name}, "{hint.dim_str}"]',
        world=world,
        array_type=None if array_type is Any or world is None else _subclass(array_type, world),
        dtypes=dtypes,
        dtype_label=label if dtypes else None,
        axes=None if hint.dim_str == "..." else axes,
        takes_scalars=array_type is Any,
    )


def _parse_ndarray(hint: Any) -> ArraySpec:
    """Read ``NDArray[np.float32]`` and ``np.ndarray[tuple[int, int], np.dtype[np.float32]]``."""
    shape, dtype = (*get_args(hint), Any)[:2]
    scalar_hint = next(iter(get_args(dtype)), Any)
    scalar: Any = get_origin(scalar_hint) or scalar_hint
    names: tuple[str, ...] | None = None
    label = None
    if isinstance(scalar, type) and scalar is not np.generic:
        label = scalar.__name__
        known = (np.dtype(char) for char in np.typecodes["All"])
        matching = (dtype_name(each) for each in known if issubclass(each.type, scalar))
        names = tuple(dict.fromkeys(matching))
    sizes = get_args(shape)
    axes = None
    if get_origin(shape) is tuple and Ellipsis not in sizes:
        words = (
            str(get_args(size)[0]) if get_origin(size) is Literal else "_"
            for size in sizes
            if size != ()
        )
        axes = parse_axes(" ".join(words))
    words_text = "" if axes is None else f", {len(axes)} axes"
    text = f"NDArray[{label or 'Any'}]{words_text}"
    return ArraySpec(text, NUMPY, None, names, label, axes)


def _world_of_type(kind: Any) -> World | None:
    for world in WORLDS:
        array_type = world.array_type()
        if isinstance(kind, type) and array_type is not None and issubclass(kind, array_type):
            return world
    return None


def _subclass(kind: Any, world: World) -> type | None:
    return None if kind is world.array_type() else kind


def _arrays_inside(hint: Any, home: World | None) -> tuple[ArraySpec, ...]:
    array = _parse_array(hint, home)
    if array is not None:
        return (array,)
    return tuple(array for each in get_args(hint) for array in _arrays_inside(each, home))


def array_specs(spec: Spec) -> tuple[ArraySpec, ...]:
    """The array annotations inside `spec`, in the order in which they are tried."""
    if isinstance(spec, ArraySpec):
        return (spec,)
    if isinstance(spec, UnionSpec):
        return tuple(array for each in spec.alternatives for array in array_specs(each))
    return spec.arrays if isinstance(spec, HintSpec) else ()


def foreign_types(hint: Any, world: World) -> tuple[str, ...]:
    """The array types of another world that stand anywhere inside an annotation."""
    if isinstance(hint, type) and get_origin(hint) is None:
        inner = getattr(hint, "array_type", hint)
        found = _world_of_type(inner)
        return () if found in {None, world} else (type_name(inner),)
    origin = get_origin(hint)
    found = _world_of_type(origin) if origin is not None else None
    here = (type_name(origin),) if found not in {None, world} and origin is not None else ()
    return here + tuple(name for each in get_args(hint) for name in foreign_types(each, world))


def annotation_text(hint: Any) -> str:
    """An annotation as a reader would write it."""
    if isinstance(hint, type) and get_origin(hint) is None:
        return hint.__name__
    return re.sub(r"\b(?:typing|collections\.abc|numpy|torch|jaxtyping)\.", "", repr(hint))


def check_in_scope(check: Callable[[object], bool], value: object, bound: Bindings) -> bool:
    """Let jaxtyping itself judge a value, with the axes bound so far; bind those that it binds.

    For annotations with arrays inside that only jaxtyping understands.
    """
    storage: Any = importlib.import_module("jaxtyping._storage")
    single, variadic, *_ = storage.push_shape_memo({})
    for key, size in bound.items():
        if key.startswith("*"):
            variadic[key[1:]] = (f"#{key}" in bound, size)
        elif not key.startswith("#"):
            single[key] = size
    try:
        verdict = check(value)
        single, variadic, *_ = storage.get_shape_memo()
    finally:
        storage.pop_shape_memo()
    if verdict:
        bound.update(single)
        bound.update({f"*{name}": shape for name, (_, shape) in variadic.items()})
        bound.update({f"#*{name}": 1 for name, (grows, _) in variadic.items() if grows})
    return verdict
