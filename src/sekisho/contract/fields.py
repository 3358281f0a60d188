"""Read the fields of records, which are classes with annotated fields."""

from __future__ import annotations

import inspect
import re
import sys
from functools import partial
from types import SimpleNamespace
from typing import TYPE_CHECKING, Annotated, Any, Final, NamedTuple, get_args, get_origin

from sekisho.contract.aliases import evaluate_name, names_where_written
from sekisho.contract.marks import is_mark
from sekisho.utils import is_stored_field
from sekisho.worlds import class_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

__all__ = [
    "ARRAY_WORDS",
    "Fields",
    "field_names",
    "has_fields",
    "is_typed_dict",
    "is_validated",
    "read_fields",
]


def has_fields(kind: Any) -> bool:
    """Return whether a class is a record: its annotated fields are what its instances hold.

    That is a dataclass, an attrs class, a NamedTuple, a TypedDict, or one of the classes that
    `is_validated` knows.
    """
    return (
        hasattr(kind, "__dataclass_fields__")
        or hasattr(kind, "__attrs_attrs__")
        or (hasattr(kind, "_fields") and hasattr(kind, "_make"))
        or is_typed_dict(kind)
        or is_validated(kind)
    )


def is_validated(kind: Any) -> bool:
    """Return whether a record's instances are made by its library's code, which cannot be guarded.

    These are models and dataclasses of pydantic, structs of msgspec, typed dicts of tensordict.
    """
    return any(hasattr(kind, name) for name in _VALIDATED)


_VALIDATED: Final = ("__pydantic_fields__", "__struct_fields__", "__expected_keys__")


# Words that show that an annotation is about arrays, if it cannot be evaluated.
ARRAY_WORDS: Final = re.compile(
    r"\b(Tensor|ndarray|NDArray|Array|Parameter|Bool|U?Int\d*|Integer|B?Float\w*|Complex\d*|"
    r"Inexact|Real|Num|Shaped|Key)\b"
)


class Fields(NamedTuple):
    """The evaluated annotations of a record's fields.

    Attributes:
        hints: the annotation of each field, by name.
        evaluate: evaluates a string that is still inside of one of them.
        required: the fields that every instance has.
    """

    hints: dict[str, Any]
    evaluate: Callable[[str], Any]
    required: frozenset[str]


def read_fields(kind: Any, names: dict[str, Any]) -> Fields:
    """Read the annotations of a class's fields, each in the module that wrote it.

    The class may be another author's, and use names that only its type checker imports. A field
    with such a name may be anything, unless its annotation is about arrays.

    Raises:
        NameError: if an annotation about arrays uses a name that is not defined.
    """
    # A class in a function may mention itself, and a generic one its type parameters.
    own = {each.__name__: each for each in getattr(kind, "__type_params__", ())}
    names = {kind.__name__: kind, **own, **names}
    fields = field_names(kind)
    if getattr(kind, "__pydantic_complete__", False):
        # Pydantic has evaluated them, with the arguments of a generic model filled in.
        annotated = {name: each.annotation for name, each in kind.__pydantic_fields__.items()}
        return Fields(
            annotated, partial(evaluate_name, globals_={}, names=names), frozenset(fields)
        )
    hints: dict[str, Any] = {}
    aliases: dict[str, Any] = {}
    module: dict[str, Any] = {}
    # Base classes first: a subclass may annotate the same field again.
    for base in reversed(kind.__mro__[:-1]):
        module = vars(sys.modules.get(base.__module__, SimpleNamespace()))
        for name, hint in inspect.get_annotations(base).items():
            if name not in fields:
                continue
            aliases |= names_where_written(hint, module, {**names, **aliases})[1]
            try:
                hints[name] = evaluate_name(hint, module, {**names, **aliases})
            except NameError:
                if ARRAY_WORDS.search(str(hint)):
                    raise
                hints[name] = Any
    evaluate = partial(evaluate_name, globals_=module, names={**names, **aliases})
    return Fields(hints, evaluate, _required(kind, hints, fields))


def _required(kind: Any, hints: dict[str, Any], fields: tuple[str, ...]) -> frozenset[str]:
    """Return the fields that every instance has: by their marks, or without one.

    Python does not find a mark in a string, so it keeps the wrong names.
    """
    required = set(getattr(kind, "__required_keys__", fields))
    for name, hint in hints.items():
        marks = set(_marks(hint))
        if "Required" in marks:
            required.add(name)
        elif "NotRequired" in marks:
            required.discard(name)
    return frozenset(required)


def _marks(hint: Any) -> Iterator[str]:
    """Yield the names of the marks around a field's annotation."""
    while get_origin(hint) is not None:
        origin = get_origin(hint)
        if origin is not Annotated and not is_mark(origin):
            return
        yield str(getattr(origin, "_name", ""))
        hint = get_args(hint)[0]


def is_typed_dict(kind: Any) -> bool:
    """Return whether a class is a TypedDict, of `typing` or of ``typing_extensions``.

    These are different classes.
    """
    is_class = issubclass(class_of(kind), type)
    return (
        is_class
        and any(each is dict for each in kind.__mro__)
        and hasattr(kind, "__total__")
        and hasattr(kind, "__required_keys__")
    )


def field_names(kind: Any) -> tuple[str, ...]:
    """Return the fields that an instance holds, in order."""
    if hasattr(kind, "__dataclass_fields__"):
        return tuple(n for n, each in kind.__dataclass_fields__.items() if is_stored_field(each))
    if hasattr(kind, "__attrs_attrs__"):
        return tuple(each.name for each in kind.__attrs_attrs__)
    if is_validated(kind):
        return tuple(next(getattr(kind, name) for name in _VALIDATED if hasattr(kind, name)))
    return tuple(getattr(kind, "_fields", kind.__annotations__))
