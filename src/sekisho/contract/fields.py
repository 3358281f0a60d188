"""Records: classes whose fields are annotated, and what those annotations say."""

from __future__ import annotations

import re
import sys
import typing
from types import SimpleNamespace
from typing import Any, Final

from sekisho.contract.aliases import evaluate_name

__all__ = ["ARRAY_WORDS", "field_hints", "field_names", "has_fields", "is_validated"]


def has_fields(kind: Any) -> bool:
    """Whether this is a record: its annotated fields are what its instances hold.

    A dataclass, an attrs class, a NamedTuple, a TypedDict, or a record of a library beside the
    standard one: `is_validated` says of which.
    """
    return (
        hasattr(kind, "__dataclass_fields__")
        or hasattr(kind, "__attrs_attrs__")
        or (hasattr(kind, "_fields") and hasattr(kind, "_make"))
        or typing.is_typeddict(kind)
        or is_validated(kind)
    )


def is_validated(kind: Any) -> bool:
    """Whether a record is made by its library's own code, in which no guard can stand.

    Models and dataclasses of pydantic, structs of msgspec, typed dicts of tensordict.
    """
    return any(hasattr(kind, name) for name in _VALIDATED)


_VALIDATED: Final = ("__pydantic_fields__", "__struct_fields__", "__expected_keys__")


# Words by which an annotation that cannot be evaluated shows that it speaks of arrays.
ARRAY_WORDS: Final = re.compile(
    r"\b(Tensor|ndarray|NDArray|Array|Parameter|Bool|U?Int\d*|Integer|B?Float\w*|Complex\d*|"
    r"Inexact|Real|Num|Shaped|Key)\b"
)


def field_hints(kind: Any, names: dict[str, Any]) -> dict[str, Any]:
    """The annotations of a class's fields, evaluated.

    A class of somebody else's may name what only its type checker imports. That matters only if
    the annotation speaks of arrays.

    Raises:
        NameError: if an annotation that speaks of arrays mentions a name that is not defined.
    """
    names = {kind.__name__: kind, **names}  # a class in a function may name itself
    if getattr(kind, "__pydantic_complete__", False):
        # Evaluated by pydantic, with the arguments of a generic model in their places.
        return {name: each.annotation for name, each in kind.__pydantic_fields__.items()}
    try:
        return typing.get_type_hints(kind, None, names, include_extras=True)
    except NameError:
        return _field_hints_one_by_one(kind, names)


def _field_hints_one_by_one(kind: Any, names: dict[str, Any]) -> dict[str, Any]:
    """The annotations that can be evaluated, and `Any` for others that speak of no arrays."""
    fields = field_names(kind)
    found: dict[str, Any] = {}
    for base in reversed(kind.__mro__):
        module = vars(sys.modules.get(base.__module__, SimpleNamespace()))
        own: dict[str, Any] = getattr(base, "__annotations__", {}) if base is not object else {}
        for name, hint in own.items():
            if name not in fields:
                continue
            try:
                found[name] = evaluate_name(hint, module, names)
            except NameError:
                if ARRAY_WORDS.search(str(hint)):
                    raise
                found[name] = Any
    return found


def field_names(kind: Any) -> tuple[str, ...]:
    """The fields that an instance holds, in order."""
    if hasattr(kind, "__dataclass_fields__"):
        return tuple(n for n, each in kind.__dataclass_fields__.items() if _is_stored(each))
    if hasattr(kind, "__attrs_attrs__"):
        return tuple(each.name for each in kind.__attrs_attrs__)
    if is_validated(kind):
        return tuple(next(getattr(kind, name) for name in _VALIDATED if hasattr(kind, name)))
    return tuple(getattr(kind, "_fields", kind.__annotations__))


def _is_stored(field: Any) -> bool:
    # dataclasses keeps ClassVar and InitVar pseudo-fields in the same table.
    return bool(field._field_type.name == "_FIELD")  # noqa: SLF001 - fields() needs a class of ours
