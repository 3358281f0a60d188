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
from collections import abc
from typing import TYPE_CHECKING, Any, Final, Literal, TypeVar, get_args, get_origin

import numpy as np

from sekisho._axes import Axis, Bindings, parse_axes
from sekisho._specs import (
    ANYTHING,
    ArraySpec,
    HintSpec,
    IterableSpec,
    MappingSpec,
    RecordSpec,
    SequenceSpec,
    Spec,
    TupleSpec,
    UnionSpec,
    holds_arrays,
)
from sekisho.worlds import NUMPY, WORLDS, Array, World, dtype_name, type_name

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

__all__ = ["Parser", "annotation_text", "check_in_scope", "foreign_types"]

_NONE_TYPE: Final = type(None)
_SEQUENCES: Final = {list, abc.Sequence, abc.MutableSequence}
_ITERABLES: Final = {
    *(abc.Iterable, abc.Iterator, abc.Generator, abc.Collection, abc.Reversible),
    *(abc.AsyncIterable, abc.AsyncIterator, abc.AsyncGenerator),
}
_SETS: Final = {set, frozenset, abc.Set, abc.MutableSet}
_CALLABLE: Final[Any] = abc.Callable
_FIELD_MARKS: Final = {typing.Required, typing.NotRequired, typing.ClassVar, typing.Final}


class Parser:
    """Reads the annotations of one function.

    Args:
        home: the world that arrays of no stated world belong to, or None for either.
        names: what string annotations inside records may mention beside their module's globals.
    """

    def __init__(self, home: World | None, names: Mapping[str, Any]) -> None:
        self.home = home
        self.names = names
        self.records: dict[Any, RecordSpec] = {}

    def parse(self, hint: Any) -> Spec:
        """Read one resolved annotation: no string and no forward reference.

        Raises:
            ValueError: for a malformed axis string, or arrays where none can be checked.
            NameError: if a field's annotation mentions a name that is not defined yet.
        """
        if hint is None or hint is _NONE_TYPE:
            return HintSpec("None", None, (_NONE_TYPE,))
        bare = _bare(hint)
        if bare is Any or bare is object:
            return ANYTHING
        array = self.parse_array(bare)
        if array is not None:
            if any(axis.treepath for axis in array.axes or ()):
                raise ValueError("'?' has a meaning only inside PyTree[...]")
            return array
        if get_origin(bare) in {typing.Union, types.UnionType}:
            return self.parse_union(bare)
        return self.parse_container(bare) or self.parse_record(bare) or self.parse_hint(hint, bare)

    def parse_union(self, hint: Any) -> Spec:
        alternatives = tuple(self.parse(each) for each in get_args(hint))
        if ANYTHING in alternatives:
            return ANYTHING
        text = " | ".join(each.text for each in alternatives)
        if any(holds_arrays(each) for each in alternatives):
            return UnionSpec(text, alternatives)
        classes = [getattr(each, "classes", ()) for each in alternatives]
        merged = tuple(kind for each in classes for kind in each)
        return HintSpec(text, hint, merged if all(classes) else ())

    def parse_hint(self, hint: Any, bare: Any) -> HintSpec:
        """What is left to the type checker, in a jaxtyping scope if arrays stand inside."""
        plain = type(bare) in {type, ABCMeta} and not hasattr(bare, "__orig_bases__")
        classes = (bare,) if plain and not _is_jaxtyping(bare) else ()
        return HintSpec(annotation_text(hint), hint, classes, self.arrays_inside(bare))

    def arrays_inside(self, hint: Any) -> tuple[ArraySpec, ...]:
        if get_origin(hint) is _CALLABLE:
            return ()  # its parameters are not this value's axes
        array = self.parse_array(hint)
        if array is not None:
            return (array,)
        if _is_jaxtyping(hint):  # of an array library that is no world here
            return (_jaxtyping_spec(hint, None, None),)
        leaf = getattr(hint, "leaftype", None)
        inside = get_args(hint) if leaf is None else (leaf,)
        arrays = tuple(array for each in inside for array in self.arrays_inside(each))
        return arrays if leaf is None else (*arrays, _PYTREE)

    # --- arrays

    def parse_array(self, hint: Any) -> ArraySpec | None:
        if hint is Array:
            return ArraySpec("Array", self.home, takes_scalars=True)
        if get_origin(hint) is np.ndarray:
            return _parse_ndarray(hint)
        if not isinstance(hint, type):
            return None
        if _is_jaxtyping(hint):
            array_type: Any = getattr(hint, "array_type", None)
            if array_type is Any:
                return _jaxtyping_spec(hint, self.home, None)
            world = _world_of_type(array_type)
            return world and _jaxtyping_spec(hint, world, _subclass(array_type, world))
        world = _world_of_type(hint)
        return world and ArraySpec(hint.__name__, world, _subclass(hint, world))

    # --- what holds arrays

    def parse_container(self, hint: Any) -> Spec | None:
        origin: Any = get_origin(hint)
        inside = get_args(hint)
        if origin in _SETS and any(holds_arrays(self.parse(each)) for each in inside):
            raise ValueError("arrays are not hashable by value, so no set holds them; use a list")
        if origin is tuple and inside and inside[-1] is not Ellipsis:
            items = tuple(self.parse(each) for each in inside if each != ())
            return TupleSpec(_joined("tuple", items), items) if _any(items) else None
        if origin in _SEQUENCES or origin is tuple:
            item = self.parse(inside[0]) if inside else ANYTHING
            ellipsis = ", ..." if origin is tuple else ""
            text = f"{origin.__name__}[{item.text}{ellipsis}]"
            return SequenceSpec(text, origin, item) if holds_arrays(item) else None
        if origin in _ITERABLES:
            item = self.parse(inside[0])
            text = _joined(origin.__name__, (item, *(self.parse(each) for each in inside[1:])))
            return IterableSpec(text, origin, item) if holds_arrays(item) else None
        if _is_subclass(origin, abc.Mapping) and len(inside) > 1:
            key, value = (self.parse(each) for each in inside)
            text = _joined(origin.__name__, (key, value))
            return MappingSpec(text, origin, key, value) if holds_arrays(value) else None
        return None

    def parse_record(self, hint: Any) -> RecordSpec | None:
        """Read a class whose fields are annotated, if one of them holds arrays."""
        if not isinstance(hint, type) or not _has_fields(hint):
            return None
        if hint in self.records:
            return self.records[hint]
        names = _field_names(hint)
        hints = _field_hints(hint, dict(self.names))
        required: Any = getattr(hint, "__required_keys__", names)
        record = self.records[hint] = RecordSpec(hint, frozenset(required))
        record.fields.update(
            {n: self.parse(_bare(each)) for n, each in hints.items() if n in names}
        )
        record.is_complete = True
        if holds_arrays(record):
            return record
        del self.records[hint]
        return None


def _bare(hint: Any) -> Any:
    """An annotation without what is for other readers: alias names, marks, metadata."""
    while True:
        origin = get_origin(hint)
        if hasattr(hint, "__value__"):  # Python 3.12's `type X[T] = ...`
            arguments = get_args(hint)
            hint = hint.__value__[arguments] if arguments else hint.__value__
        elif hasattr(hint, "__supertype__"):  # NewType
            hint = hint.__supertype__
        elif origin is typing.Annotated or origin in _FIELD_MARKS:
            hint = get_args(hint)[0]
        elif isinstance(hint, TypeVar) and hint is not Array:
            # In a call of its own, a type variable is its bound, or one of its constraints.
            bound: Any = hint.__bound__
            hint = bound if bound is not None else typing.Union[hint.__constraints__ or (Any,)]  # noqa: UP007 - of a tuple
        else:
            return hint


def _any(specs: tuple[Spec, ...]) -> bool:
    return any(holds_arrays(each) for each in specs)


def _joined(name: str, specs: tuple[Spec, ...]) -> str:
    return f"{name}[{', '.join(each.text for each in specs)}]"


def _is_subclass(kind: Any, of: type) -> bool:
    return isinstance(kind, type) and issubclass(kind, of)


def _has_fields(kind: Any) -> bool:
    return (
        hasattr(kind, "__dataclass_fields__")
        or hasattr(kind, "__attrs_attrs__")
        or (hasattr(kind, "_fields") and hasattr(kind, "_make"))
        or typing.is_typeddict(kind)
    )


# Words by which an annotation that cannot be evaluated shows that it speaks of arrays.
_ARRAY_WORDS: Final = re.compile(
    r"\b(Tensor|ndarray|NDArray|Array|Parameter|Bool|U?Int\d*|Integer|B?Float\w*|Complex\d*|"
    r"Inexact|Real|Num|Shaped|Key)\b"
)


def _field_hints(kind: Any, names: dict[str, Any]) -> dict[str, Any]:
    """The annotations of a class's fields, evaluated.

    A class of somebody else's may name what only its type checker imports. That matters only if
    the annotation speaks of arrays.
    """
    try:
        return typing.get_type_hints(kind, None, names, include_extras=True)
    except NameError:
        raw: Any = [getattr(base, "__annotations__", {}) for base in kind.__mro__]
        if any(_ARRAY_WORDS.search(str(each)) for own in raw for each in own.values()):
            raise
        return {}


def _field_names(kind: Any) -> frozenset[str]:
    if hasattr(kind, "__dataclass_fields__"):
        is_field = [name for name, each in kind.__dataclass_fields__.items() if _is_stored(each)]
        return frozenset(is_field)
    if hasattr(kind, "__attrs_attrs__"):
        return frozenset(each.name for each in kind.__attrs_attrs__)
    return frozenset(getattr(kind, "_fields", kind.__annotations__))


def _is_stored(field: Any) -> bool:
    # dataclasses keeps ClassVar and InitVar pseudo-fields in the same table.
    return bool(field._field_type.name == "_FIELD")  # noqa: SLF001 - fields() needs a class of ours


def _is_jaxtyping(hint: Any) -> bool:
    jaxtyping = sys.modules.get("jaxtyping")
    return jaxtyping is not None and _is_subclass(hint, jaxtyping.AbstractArray)


def _jaxtyping_spec(hint: Any, world: World | None, array_type: type | None) -> ArraySpec:
    dtypes = hint.dtypes
    if not isinstance(dtypes, tuple):
        dtypes = None  # jaxtyping's own marker for any dtype, as in Shaped
    name = getattr(hint.array_type, "__name__", repr(hint.array_type))
    any_array = hint.array_type is Any
    if any_array:
        name = world.array_class if world else "Array"
    label = hint.dtype.__name__
    return ArraySpec(
        text=f'{label}[{name}, "{hint.dim_str}"]',
        world=world,
        array_type=array_type,
        dtypes=dtypes,
        dtype_label=label if dtypes else None,
        axes=None if hint.dim_str == "..." else parse_axes(hint.dim_str),
        takes_scalars=any_array,
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


_MEMO: Final = "<jaxtyping>"
# A PyTree binds more than axes: its structure, and an axis a place. What jaxtyping remembers of
# that goes from argument to argument as if it were one axis more.
_PYTREE: Final = ArraySpec("PyTree", None, axes=(Axis(_MEMO, name=_MEMO),))


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
