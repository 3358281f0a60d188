"""Records: classes whose fields are annotated, and what those annotations say."""

from __future__ import annotations

import re
import typing
from typing import Any, Final

__all__ = ["field_hints", "field_names", "has_fields"]


def has_fields(kind: Any) -> bool:
    """Whether this is a record: dataclass, attrs class, NamedTuple or TypedDict."""
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


def field_hints(kind: Any, names: dict[str, Any]) -> dict[str, Any]:
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


def field_names(kind: Any) -> tuple[str, ...]:
    """The fields that an instance holds, in order."""
    if hasattr(kind, "__dataclass_fields__"):
        return tuple(n for n, each in kind.__dataclass_fields__.items() if _is_stored(each))
    if hasattr(kind, "__attrs_attrs__"):
        return tuple(each.name for each in kind.__attrs_attrs__)
    return tuple(getattr(kind, "_fields", kind.__annotations__))


def _is_stored(field: Any) -> bool:
    # dataclasses keeps ClassVar and InitVar pseudo-fields in the same table.
    return bool(field._field_type.name == "_FIELD")  # noqa: SLF001 - fields() needs a class of ours
