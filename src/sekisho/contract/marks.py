"""Remove what surrounds an annotation: marks, metadata, ``Unpack``."""

from __future__ import annotations

import typing
from dataclasses import InitVar
from typing import Any, Final, TypeVar, get_args, get_origin

from sekisho.worlds import Array, class_of

__all__ = ["bare_annotation", "bare_field", "is_mark", "unpacked"]

_MARKS: Final = {"Required", "NotRequired", "ReadOnly", "ClassVar", "Final"}


def is_mark(origin: Any) -> bool:
    """Return whether this is a mark of a field, of `typing` or of ``typing_extensions``."""
    return getattr(origin, "_name", None) in _MARKS


def unpacked(hint: Any) -> Any:
    """Return what ``*X`` or ``Unpack[X]`` unpacks; None for anything else."""
    if get_origin(hint) is typing.Unpack:
        return get_args(hint)[0]
    if getattr(hint, "__unpacked__", False):
        return get_origin(hint)[get_args(hint)]
    return None


def bare_field(hint: Any) -> Any:
    """Return a field's annotation without its marks."""
    while is_mark(get_origin(hint)):
        hint = get_args(hint)[0]
    return hint


def bare_annotation(hint: Any) -> Any:
    """Return an annotation without marks and metadata, and with type variables replaced."""
    while not isinstance(hint, type):
        origin = get_origin(hint)
        if hasattr(hint, "__supertype__"):  # NewType
            hint = hint.__supertype__
        elif class_of(hint) is InitVar:  # get_args does not return its argument
            hint = hint.type
        elif origin is typing.Annotated or is_mark(origin):
            hint = get_args(hint)[0]
        elif isinstance(hint, TypeVar) and hint is not Array:
            # A type variable is read as its bound, or as one of its constraints.
            bound: Any = hint.__bound__
            if bound is None and not hint.__constraints__:
                return hint
            hint = bound if bound is not None else typing.Union[hint.__constraints__]  # noqa: UP007 - a tuple
        else:
            break
    return hint
