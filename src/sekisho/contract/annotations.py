"""Parse an annotation into a `Spec`, which says what it requires of a value."""

from __future__ import annotations

import types
import typing
from abc import ABCMeta
from collections import Counter, abc
from typing import (
    TYPE_CHECKING,
    Any,
    Final,
    ForwardRef,
    ParamSpec,
    ParamSpecArgs,
    ParamSpecKwargs,
    TypeVar,
    TypeVarTuple,
    cast,
    get_args,
    get_origin,
)

import numpy as np

from sekisho.contract.aliases import eval_nothing, evaluator_of, name_of_alias, value_of_alias
from sekisho.contract.arrays import is_jaxtyping, jaxtyping_spec, parse_array
from sekisho.contract.fields import field_names, has_fields, read_fields
from sekisho.contract.marks import bare_annotation, bare_field, unpacked
from sekisho.contract.mistakes import refuse_mistake
from sekisho.contract.parts import holds_arrays, names_in, needs_reading, walk
from sekisho.contract.pytrees import leaf_of, parse_tree, with_one_array
from sekisho.contract.specs import (
    ANYTHING,
    PYTREE,
    UNANNOTATED,
    AliasSpec,
    ArraySpec,
    HintSpec,
    IterableSpec,
    MappingSpec,
    PackedSpec,
    RecordSpec,
    SelfSpec,
    SequenceSpec,
    Spec,
    TupleSpec,
    UnionSpec,
)
from sekisho.contract.spelling import annotation_text
from sekisho.errors import with_article
from sekisho.worlds import (
    Array,
    Library,
    class_of,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

__all__ = ["Parser"]

_NONE_TYPE: Final = type(None)
_ITERABLES: Final = {
    *(abc.Iterable, abc.Iterator, abc.Generator, abc.Collection, abc.Reversible, abc.ValuesView),
    *(abc.AsyncIterable, abc.AsyncIterator, abc.AsyncGenerator),
}
_GENERATORS: Final = (abc.Generator, abc.AsyncGenerator)
_HASHED: Final = (abc.Set, abc.KeysView, Counter)
_CALLABLE: Final[Any] = abc.Callable
_SELF: Final[Any] = typing.Self
_CLAIMS: Final = frozenset[Any]({abc.Callable, type})
"""Generics that say nothing about arrays in the value itself: ``Callable[...]``, ``type[...]``."""
_TELLS: Final = {"TypeGuard", "TypeIs"}
_FREE: Final = (TypeVar, ParamSpec, ParamSpecArgs, ParamSpecKwargs, TypeVarTuple)
"""Placeholders for any type. A type variable with a bound or constraints is read as those."""

_TOWER: Final[dict[Any, tuple[type, ...]]] = {float: (float, int), complex: (complex, float, int)}
"""PEP 484: an int is accepted for a float, and both for a complex number."""

_SCALARS: Final = frozenset[Any]({bool, int, float, complex, str, bytes})


class Parser:
    """A parser of the annotations of one function.

    Args:
        home: the world of an array whose annotation names no world; None for any.
        names: what string annotations inside of records may use beside their module's globals.
        typechecker: checks everything but arrays. A checker that the user named checks plain
            classes too.
        evaluate: returns what a string inside of an annotation stands for.
        owner: the key of the argument whose class is `Self`; None if there is none.
        takes_as_written: whether arrays of several libraries are accepted, each where it is named.
    """

    def __init__(
        self,
        home: Library | None,
        names: Mapping[str, Any],
        typechecker: Any = "beartype",
        evaluate: Callable[[str], Any] = eval_nothing,
        owner: str | None = None,
        *,
        takes_as_written: bool = True,
    ) -> None:
        self.home = home
        self.names = names
        self.has_own_checker: bool = typechecker not in {"beartype", None}
        self.evaluate: Callable[[str], Any] = evaluate
        self.owner: str | None = owner
        self.records: dict[Any, RecordSpec] = {}
        self.aliases: dict[Any, AliasSpec] = {}  # the aliases that are being parsed
        self.variables: dict[Any, Any] = {}
        self.takes_as_written = takes_as_written
        self.has_trees = False
        self.in_structure = False  # whether it parses the leaf of a named structure

    def parse(self, hint: Any) -> Spec:  # noqa: PLR0911 - one return a kind
        """Parse one resolved annotation.

        Raises:
            ValueError: for a malformed axis string, or arrays that cannot be checked where they
                stand.
            NameError: if a field's annotation uses a name that is not defined yet.
        """
        if hint is None or hint is _NONE_TYPE:
            return HintSpec("None", None, (_NONE_TYPE,))
        bare = bare_annotation(
            self.variables.get(hint, hint) if isinstance(hint, TypeVar) else hint
        )
        if bare is Any or bare is object:
            return ANYTHING
        if type(bare) is type and bare in _SCALARS:  # a shortcut: the rest finds nothing in these
            classes = () if self.has_own_checker else _TOWER.get(bare, (bare,))
            return HintSpec(annotation_text(hint), hint, classes)
        if isinstance(bare, _FREE) and bare is not Array:
            # It accepts any value, like a missing annotation.
            return ANYTHING if self.takes_as_written else UNANNOTATED
        if isinstance(bare, (str, ForwardRef)) or hasattr(bare, "__value__"):
            return self.parse_named(bare)
        if bare is _SELF:
            return self.parse_self()
        array = parse_array(bare, self.home)
        if array is None:
            refuse_mistake(bare)
        else:
            if not self.in_structure and any(axis.treepath for axis in array.axes or ()):
                raise ValueError("'?' has a meaning only inside PyTree[..., \"T\"]")
            return array
        if get_origin(bare) in {typing.Union, types.UnionType}:
            return self.parse_union(bare)
        held = parse_tree(self, bare) or self.parse_container(bare) or self.parse_record(bare)
        return held or self.parse_hint(hint, bare)

    def parse_named(self, hint: Any) -> Spec:
        """Parse a string or ``type X = ...`` as what it stands for, which may mention it again."""
        name, evaluate = name_of_alias(hint), self.evaluate
        key = name if isinstance(hint, (str, ForwardRef)) else hint
        # A recursive mention stands for the alias that is being parsed.
        if key in self.aliases:
            return self.aliases[key]
        alias = self.aliases[key] = AliasSpec(name)
        self.evaluate = evaluator_of(hint, evaluate)
        try:
            target = self.parse(value_of_alias(hint, evaluate))
        finally:
            self.evaluate = evaluate
            del self.aliases[key]
        if not any(each is alias for each in walk(target)):
            return target
        alias.target = target
        return alias

    def parse_self(self) -> SelfSpec:
        """Parse ``Self``: the class of the call's first argument."""
        if self.owner is None:
            raise ValueError("Self stands in the methods of a class")
        return SelfSpec(self.owner)

    def parse_union(self, hint: Any) -> Spec:
        """Parse ``A | B``, one alternative at a time if arrays are inside."""
        alternatives = tuple(self.parse(each) for each in get_args(hint))
        alternatives = with_one_array(self, hint, alternatives)
        if len(alternatives) == 1:
            return alternatives[0]
        for open_to_all in (ANYTHING, UNANNOTATED):
            if open_to_all in alternatives:
                return open_to_all
        text = " | ".join(each.text for each in alternatives)
        if any(needs_reading(each) for each in alternatives):
            return UnionSpec(text, alternatives)
        classes = [getattr(each, "classes", ()) for each in alternatives]
        merged = tuple(kind for each in classes for kind in each)
        return HintSpec(text, hint, merged if all(classes) else ())

    def parse_hint(self, hint: Any, bare: Any) -> HintSpec:
        """Parse what a type checker checks, in a jaxtyping scope if arrays are inside."""
        if getattr(get_origin(bare), "_name", None) in _TELLS:  # typing's or typing_extensions'
            return HintSpec(annotation_text(hint), bool, (bool,))
        if get_origin(bare) is _CALLABLE and not self.has_own_checker:
            # Beartype checks no more, and supports neither Self nor a recursive alias inside.
            return HintSpec(annotation_text(hint), hint, (_CALLABLE,))
        if get_origin(bare) is type and _mentions_self(bare):
            return HintSpec(annotation_text(hint), hint, (type,))
        plain = _has_plain_instances(bare) and not hasattr(bare, "__orig_bases__")
        classes: tuple[type, ...] = ()
        # A class that arrays are instances of takes the slow path, which finds foreign arrays.
        plain = plain and not (issubclass(type(bare), ABCMeta) and _takes_any_array(bare))
        if plain and not is_jaxtyping(bare) and not self.has_own_checker:
            classes = (bare,)
        return HintSpec(annotation_text(hint), hint, classes, self.arrays_inside(bare))

    def arrays_inside(self, hint: Any) -> tuple[ArraySpec, ...]:
        """Return the array annotations inside of what only a type checker can read."""
        if get_origin(hint) in _CLAIMS:
            return ()
        array = parse_array(hint, self.home)
        if array is not None:
            return (array,)
        if is_jaxtyping(hint):  # of a library that is not registered as a world
            return (jaxtyping_spec(hint, None, None),)
        leaf = leaf_of(hint)
        inside = get_args(hint) if leaf is None else (leaf,)
        arrays = tuple(array for each in inside for array in self.arrays_inside(each))
        return arrays if leaf is None else (*arrays, PYTREE)

    # --- containers and records

    def parse_container(  # noqa: C901, PLR0911 - one return a kind
        self, hint: Any
    ) -> Spec | None:
        """Parse a generic alias that holds arrays; refuse it if not every item can be checked."""
        origin: Any = get_origin(hint)
        inside: Any = get_args(hint)
        if not _is_subclass(origin, object) or origin in _CLAIMS:
            return None
        kind: Any = origin  # not narrowed by the type checker, unlike `origin`
        if origin is tuple and inside and inside[-1] is not Ellipsis:
            return self.parse_tuple(inside)
        given = [one for each in inside for one in (each if class_of(each) is list else (each,))]
        specs = cast("Any", tuple(self.parse(each) for each in given if each is not Ellipsis))
        if not _any(specs):
            return None
        arrays = any(holds_arrays(each) for each in specs)
        text = _joined(origin.__name__, specs)
        if issubclass(origin, abc.ItemsView):
            return IterableSpec(text, origin, TupleSpec(_joined("tuple", specs), specs))
        if issubclass(origin, _HASHED) and arrays:
            raise ValueError("arrays are not hashable by value, so no set holds them; use a list")
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
            return None  # a generic record: see parse_record
        if not arrays:
            return HintSpec(text, origin, (origin,))
        raise ValueError(
            f"the arrays inside of {with_article(kind.__name__)} cannot be checked; "
            f"annotate it as Any, and check what comes out of it with sekisho.check"
        )

    def parse_tuple(self, inside: tuple[Any, ...]) -> TupleSpec | None:
        """Parse ``tuple[X, Y]``; one item may stand for any number of them: ``*tuple[Z, ...]``."""
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
        if middle in (ANYTHING, UNANNOTATED):  # *Ts
            middle = SequenceSpec(middle.text, tuple, middle)
        elif isinstance(middle, HintSpec):  # *tuple[X, ...] without an array
            plain = unpacked(inside[at])
            if get_origin(plain) is tuple and get_args(plain)[1:] == (Ellipsis,):
                middle = _sequence(tuple, (self.parse(get_args(plain)[0]),), ", ...")
                items = (*items[:at], middle, *items[at + 1 :])
        if len(several) > 1 or not isinstance(middle, SequenceSpec):
            raise ValueError(
                "of what is unpacked into a tuple, one may be of any length: '*tuple[X, ...]'"
            )
        text = ", ".join(f"{'*' * (i == at)}{each.text}" for i, each in enumerate(items))
        items = (*items[:at], middle.item, *items[at + 1 :])
        return TupleSpec(f"tuple[{text}]", items, at)

    def parse_record(self, hint: Any, *, always: bool = False) -> RecordSpec | None:
        """Parse a class with annotated fields, if one of them holds arrays, or `always`."""
        kind = get_origin(hint) or hint
        if not isinstance(kind, type):
            return None
        if not has_fields(kind):
            self.refuse_unknown_record(kind)
            return None
        if hint in self.records:
            return self.records[hint]
        names = field_names(kind)
        fields = read_fields(kind, dict(self.names))
        # Known before its fields are parsed, since a record may contain itself.
        record = self.records[hint] = RecordSpec(kind, fields.required)
        # In a generic record, Box[X], a field of type T is an X.
        outer, owner, evaluate = self.variables, self.owner, self.evaluate
        parameters: Any = getattr(kind, "__parameters__", ())
        self.variables = {**outer, **dict(zip(parameters, get_args(hint), strict=False))}
        self.owner, self.evaluate = "{self}", fields.evaluate
        record.fields.update(
            {n: self.parse(bare_field(each)) for n, each in fields.hints.items() if n in names}
        )
        record.keys = frozenset(key for each in record.fields.values() for key in names_in(each))
        record.is_complete = True
        self.variables, self.owner, self.evaluate = outer, owner, evaluate
        if always or holds_arrays(record):
            return record
        del self.records[hint]
        return None

    def refuse_unknown_record(self, kind: type) -> None:
        """Refuse a class that declares itself a record, if its array fields cannot be read.

        PEP 681 (https://peps.python.org/pep-0681/) lets a class or its metaclass declare so.
        """
        bases: list[type] = [*kind.__mro__, *class_of(kind).__mro__]
        if not any("__dataclass_transform__" in vars(base) for base in bases):
            return
        hints = read_fields(kind, dict(self.names)).hints
        arrays = [name for name, hint in hints.items() if self.arrays_inside(bare_field(hint))]
        if arrays:
            raise ValueError(
                f"the field '{arrays[0]}' of {with_article(kind.__name__)} cannot be checked; "
                f"annotate it as Any, and check what comes out of it with sekisho.check"
            )

    def parse_packed(self, hint: Any) -> PackedSpec:
        """Parse the annotation of all ``*args`` together, or of all ``**kwargs``.

        They are written ``*tuple[X, ...]`` and ``Unpack[TD]``.
        """
        spec = self.parse_record(hint, always=True) or self.parse(hint)
        return PackedSpec(spec.text, spec)


def _sequence(kind: Any, specs: Any, ellipsis: str) -> SequenceSpec:
    (item,) = specs
    return SequenceSpec(f"{kind.__name__}[{item.text}{ellipsis}]", kind, item)


def _any(specs: tuple[Spec, ...]) -> bool:
    return any(needs_reading(each) for each in specs)


def _has_plain_instances(hint: Any) -> bool:
    """Return whether a hint is a class with Python's own `isinstance`."""
    owners = (each for each in class_of(hint).__mro__ if "__instancecheck__" in vars(each))
    return next(owners, None) in {type, ABCMeta}


def _takes_any_array(kind: Any) -> bool:
    return kind is abc.Hashable or issubclass(np.ndarray, kind)


def _mentions_self(hint: Any) -> bool:
    return hint is _SELF or any(_mentions_self(each) for each in get_args(hint))


def _joined(name: str, specs: tuple[Spec, ...]) -> str:
    return f"{name}[{', '.join(each.text for each in specs)}]"


def _is_subclass(kind: Any, of: type) -> bool:
    return isinstance(kind, type) and issubclass(kind, of)
