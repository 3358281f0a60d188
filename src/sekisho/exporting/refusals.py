"""The error for an argument that an exporter does not take."""

from __future__ import annotations

from typing import NoReturn

from sekisho.errors import DeclarationError

__all__ = ["refuse_argument"]


def refuse_argument(function: str, place: str, why: str, hint: str) -> NoReturn:
    """Refuse an argument that an exporter does not take.

    Raises:
        DeclarationError: always.
    """
    raise DeclarationError(f"{function}() argument '{place}': {why}.\n  hint: {hint}") from None
