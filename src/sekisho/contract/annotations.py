"""What an annotation asks of a value: annotation -> `Spec`.

The only module that knows jaxtyping. An annotation is jaxtyping's only if jaxtyping has been
imported already, so this module never imports it either.
"""

from __future__ import annotations

import re
import sys
import types
import typing
from abc import ABCMeta
from collections import Counter, abc
from typing import TYPE_CHECKING, Any, Final, TypeVar, cast, get_args, get_origin

from sekisho.contract.axes import parse_axes
from sekisho.contract.fields import field_hints, field_names, has_fields
from sekisho.contract.mistakes import refuse_mistake
from sekisho.contract.pytrees import is_array_like, leaf_of, parse_tree, with_one_array
from sekisho.contract.specs import (
    ANYTHING,
    PYTREE,
    ArraySpec,
    HintSpec,
    IterableSpec,
    MappingSpec,
    PackedSpec,
    RecordSpec,
    SequenceSpec,
    Spec,
    TupleSpec,
    UnionSpec,
    holds_arrays,
)
from sekisho.errors import with_article
from sekisho.worlds import (
    Array,
    World,
    class_of,
    loaded_worlds,
    type_name,
    world_names,
    world_of_class,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["Parser", "annotation_text", "foreign_types", "unpacked"]

_NONE_TYPE: Final = type(None)
_ITERABLES: Final = {
    *(abc.Iterable, abc.Iterator, abc.Generator, abc.Collection, abc.Reversible, abc.ValuesView),
    *(abc.AsyncIterable, abc.AsyncIterator, abc.AsyncGenerator),
}
_GENERATORS: Final = (abc.Generator, abc.AsyncGenerator)
_HASHED: Final = (abc.Set, abc.KeysView, Counter)
_CLAIMS: Final = frozenset[Any]({abc.Callable, type})
"""What says nothing of the value's own arrays: those that a function takes, the class of some."""
_FIELD_MARKS: Final = frozenset(
    getattr(typing, name)
    for name in ("Required", "NotRequired", "ReadOnly", "ClassVar", "Final")
    if hasattr(typing, name)
)
_TELLS: Final = frozenset(
    getattr(typing, name) for name in ("TypeGuard", "TypeIs") if hasattr(typing, name)
)
_TOWER: Final[dict[Any, tuple[type, ...]]] = {float: (float, int), complex: (complex, float, int)}
"""PEP 484: where a float is asked for, an int will do, and for a complex number either."""


class Parser:
    """Reads the annotations of one function.

    Args:
        home: the world that arrays of no stated world belong to, or None for either.
        names: what string annotations inside records may mention beside their module's globals.
        typechecker: who judges what is no array. One that was named is asked about plain classes
            too.
        takes_as_written: whether arrays of several libraries may pass, each where it is named.
    """

    def __init__(
        self,
        home: World | None,
        names: Mapping[str, Any],
        typechecker: Any = "beartype",
        *,
        takes_as_written: bool = True,
    ) -> None:
        self.home = home
        self.names = names
        self.has_own_checker: bool = typechecker not in {"beartype", None}
        self.records: dict[Any, RecordSpec] = {}
        self.variables: dict[Any, Any] = {}
        self.takes_as_written = takes_as_written
        self.has_trees = False
        self.in_structure = False  # whether it reads the leaf of a PyTree of a named structure

    def parse(self, hint: Any) -> Spec:
        """Read one resolved annotation: no string and no forward reference.

        Raises:
            ValueError: for a malformed axis string, or arrays where none can be checked.
            NameError: if a field's annotation mentions a name that is not defined yet.
        """
        if hint is None or hint is _NONE_TYPE:
            return HintSpec("None", None, (_NONE_TYPE,))
        bare = _bare(self.variables.get(hint, hint) if isinstance(hint, TypeVar) else hint)
        if bare is Any or bare is object:
            return ANYTHING
        refuse_mistake(bare)
        array = self.parse_array(bare)
        if array is not None:
            if not self.in_structure and any(axis.treepath for axis in array.axes or ()):
                raise ValueError("'?' has a meaning only inside PyTree[..., \"T\"]")
            return array
        if get_origin(bare) in {typing.Union, types.UnionType}:
            return self.parse_union(bare)
        held = parse_tree(self, bare) or self.parse_container(bare) or self.parse_record(bare)
        return held or self.parse_hint(hint, bare)

    def parse_union(self, hint: Any) -> Spec:
        """Read ``A | B``: with arrays inside, alternative by alternative."""
        alternatives = tuple(self.parse(each) for each in get_args(hint))
        alternatives = with_one_array(self, hint, alternatives)
        if len(alternatives) == 1:
            return alternatives[0]
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
        if get_origin(bare) in _TELLS:
            return HintSpec(annotation_text(hint), bool, (bool,))
        plain = type(bare) in {type, ABCMeta} and not hasattr(bare, "__orig_bases__")
        classes: tuple[type, ...] = ()
        if plain and not _is_jaxtyping(bare) and not self.has_own_checker:
            classes = _TOWER.get(bare, (bare,))
        return HintSpec(annotation_text(hint), hint, classes, self.arrays_inside(bare))

    def arrays_inside(self, hint: Any) -> tuple[ArraySpec, ...]:
        """The array annotations that stand in what only a type checker can read."""
        if get_origin(hint) in _CLAIMS:
            return ()
        array = self.parse_array(hint)
        if array is not None:
            return (array,)
        if _is_jaxtyping(hint):  # of an array library that is no world here
            return (_jaxtyping_spec(hint, None, None),)
        leaf = leaf_of(hint)
        inside = get_args(hint) if leaf is None else (leaf,)
        arrays = tuple(array for each in inside for array in self.arrays_inside(each))
        return arrays if leaf is None else (*arrays, PYTREE)

    # --- arrays

    def parse_array(self, hint: Any) -> ArraySpec | None:
        """Read what is one array; None if it is none."""
        if hint is Array:
            return ArraySpec("Array", self.home, takes_scalars=True)
        if get_origin(hint) is not None:
            return _parse_alias(hint)
        if not isinstance(hint, type):
            return None
        if _is_jaxtyping(hint):
            array_type: Any = getattr(hint, "array_type", None)
            if array_type is Any:
                return _jaxtyping_spec(hint, self.home, None)
            world = world_of_class(array_type)
            return _jaxtyping_spec(hint, world, _subclass(array_type, world)) if world else None
        world = world_of_class(hint)
        own = _subclass(hint, world) if world else None
        name = hint.__name__ if own or world is None else world.array_class
        return ArraySpec(name, world, own) if world else None

    # --- what holds arrays

    def parse_container(  # noqa: C901, PLR0911 - one kind, one return
        self, hint: Any
    ) -> Spec | None:
        """Read a generic alias that holds arrays: every item is checked, or it is refused."""
        origin: Any = get_origin(hint)
        inside: Any = get_args(hint)
        if not _is_subclass(origin, object) or origin in _CLAIMS:
            return None
        kind: Any = origin  # which type checkers narrow below
        if origin is tuple and inside and inside[-1] is not Ellipsis:
            return self.parse_tuple(inside)
        given = [one for each in inside for one in (each if class_of(each) is list else (each,))]
        specs = cast("Any", tuple(self.parse(each) for each in given if each is not Ellipsis))
        if not _any(specs):
            return None
        text = _joined(origin.__name__, specs)
        if issubclass(origin, abc.ItemsView):
            return IterableSpec(text, origin, TupleSpec(_joined("tuple", specs), specs))
        if issubclass(origin, _HASHED):
            raise ValueError(  # noqa: TRY004 - as for every annotation that cannot be read
                "arrays are not hashable by value, so no set holds them; use a list"
            )
        if issubclass(origin, abc.Mapping) and len(specs) > 1:
            if holds_arrays(specs[0]):
                raise ValueError("arrays are not hashable by value, so none is a key")
            return MappingSpec(text, origin, specs[0], specs[1])
        if issubclass(origin, (abc.Sequence, tuple)) and len(specs) == 1:
            ellipsis = ", ..." if origin is tuple else ""
            return _sequence(kind, specs, ellipsis)
        if kind in _ITERABLES and (len(specs) == 1 or issubclass(kind, _GENERATORS)):
            return IterableSpec(text, kind, specs[0])
        if has_fields(origin):
            return None  # a generic record, which parse_record reads
        raise ValueError(
            f"nobody can check the arrays inside of {with_article(_name(kind))}; "
            f"annotate it as Any, and check what comes out of it with sekisho.check"
        )

    def parse_tuple(self, inside: tuple[Any, ...]) -> TupleSpec | None:
        """Read ``tuple[X, Y]``, in which one item may be any number of them: ``*tuple[Z, ...]``."""
        several = [i for i, each in enumerate(inside) if unpacked(each) is not None]
        items = tuple(
            self.parse(each if unpacked(each) is None else unpacked(each))
            for each in inside
            if each != ()
        )
        if not _any(items):
            return None
        if not several:
            return TupleSpec(_joined("tuple", items), items)
        at = several[0]
        middle = items[at]
        if len(several) > 1 or not isinstance(middle, SequenceSpec):
            raise ValueError(
                "of what is unpacked into a tuple, one may be of any length: '*tuple[X, ...]'"
            )
        text = ", ".join(f"*{each.text}" if each is middle else each.text for each in items)
        items = (*items[:at], middle.item, *items[at + 1 :])
        return TupleSpec(f"tuple[{text}]", items, at)

    def parse_record(self, hint: Any, *, always: bool = False) -> RecordSpec | None:
        """Read a class whose fields are annotated, if one of them holds arrays, or `always`."""
        kind = get_origin(hint) or hint
        if not isinstance(kind, type) or not has_fields(kind):
            return None
        if hint in self.records:
            return self.records[hint]
        names = field_names(kind)
        hints = field_hints(kind, dict(self.names))
        required: Any = getattr(kind, "__required_keys__", names)
        record = self.records[hint] = RecordSpec(kind, frozenset(required))
        # Of a generic record, Box[X], the fields that are a T are an X.
        outer = self.variables
        parameters: Any = getattr(kind, "__parameters__", ())
        self.variables = {**outer, **dict(zip(parameters, get_args(hint), strict=False))}
        record.fields.update(
            {n: self.parse(_bare_field(each)) for n, each in hints.items() if n in names}
        )
        self.variables = outer
        record.is_complete = True
        if always or holds_arrays(record):
            return record
        del self.records[hint]
        return None

    def parse_packed(self, hint: Any) -> PackedSpec:
        """Read what ``*args`` or ``**kwargs`` are together: ``*tuple[X, ...]``, ``Unpack[TD]``."""
        spec = self.parse_record(hint, always=True) or self.parse(hint)
        return PackedSpec(spec.text, spec)


def unpacked(hint: Any) -> Any:
    """What ``*X`` or ``Unpack[X]`` unpacks; None for anything else."""
    if get_origin(hint) is typing.Unpack:
        return get_args(hint)[0]
    if getattr(hint, "__unpacked__", False):
        return get_origin(hint)[get_args(hint)]
    return None


def _bare_field(hint: Any) -> Any:
    """A field's annotation without its marks; what it says is read like any other."""
    while get_origin(hint) in _FIELD_MARKS:
        hint = get_args(hint)[0]
    return hint


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


def _name(kind: Any) -> str:
    return type_name(kind)


def _sequence(kind: Any, specs: Any, ellipsis: str) -> SequenceSpec:
    (item,) = specs
    return SequenceSpec(f"{kind.__name__}[{item.text}{ellipsis}]", kind, item)


def _any(specs: tuple[Spec, ...]) -> bool:
    return any(holds_arrays(each) for each in specs)


def _joined(name: str, specs: tuple[Spec, ...]) -> str:
    return f"{name}[{', '.join(each.text for each in specs)}]"


def _is_subclass(kind: Any, of: type) -> bool:
    return isinstance(kind, type) and issubclass(kind, of)


def _is_jaxtyping(hint: Any) -> bool:
    jaxtyping = sys.modules.get("jaxtyping")
    return jaxtyping is not None and _is_subclass(hint, jaxtyping.AbstractArray)


def _jaxtyping_spec(hint: Any, world: World | None, array_type: type | None) -> ArraySpec:
    dtypes = hint.dtypes
    if not isinstance(dtypes, tuple):
        dtypes = None  # jaxtyping's own marker for any dtype, as in Shaped
    name = getattr(hint.array_type, "__name__", repr(hint.array_type))
    any_array = hint.array_type is Any
    if world is not None and hint.array_type is world.array_type():
        name = world.array_class  # the name that it has in its library may be another
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
        takes_ducks=any_array,
    )


def _parse_alias(hint: Any) -> ArraySpec | None:
    """Read a generic alias of a world's array class: ``NDArray[np.float32]``."""
    for world in loaded_worlds():
        alias = world.alias(hint)
        if alias is not None:
            axes = None if alias.axes is None else parse_axes(alias.axes)
            return ArraySpec(alias.text, world, None, alias.dtypes, alias.label, axes)
    return None


def _subclass(kind: Any, world: World) -> type | None:
    return None if kind is world.array_type() else kind


def foreign_types(hint: Any, world: World | None) -> tuple[str, ...]:
    """The array types of another world (None: of any) that stand anywhere inside an annotation."""
    leaf = leaf_of(hint)
    if leaf is not None:
        return foreign_types(leaf, world)
    if isinstance(hint, type) and get_origin(hint) is None:
        inner = getattr(hint, "array_type", hint)
        found = world_of_class(inner)
        return () if found in {None, world} else (type_name(inner),)
    origin = get_origin(hint)
    if is_array_like(hint, world):
        return ()
    found = world_of_class(origin) if origin is not None else None
    here = (type_name(origin),) if found not in {None, world} and origin is not None else ()
    return here + tuple(name for each in get_args(hint) for name in foreign_types(each, world))


def annotation_text(hint: Any) -> str:
    """An annotation as a reader would write it."""
    if isinstance(hint, type) and get_origin(hint) is None:
        return hint.__name__
    if isinstance(hint, (types.ModuleType, types.FunctionType, types.BuiltinFunctionType)):
        return hint.__name__
    modules = "|".join((r"typing|collections\.abc|jaxtyping", *world_names()))
    return re.sub(rf"\b(?:{modules})\.", "", repr(hint))
