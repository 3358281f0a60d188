"""Find the narrowest jaxtyping word for some dtypes.

jaxtyping defines the words and the dtypes of each:
https://docs.kidger.site/jaxtyping/api/array/#dtype.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Collection

__all__ = ["dtype_kind", "dtype_word", "word_takes"]

_ONE: Final = {
    "bool": "Bool",
    "bool_": "Bool",
    **{f"int{n}": f"Int{n}" for n in (2, 4, 8, 16, 32, 64)},
    **{f"uint{n}": f"UInt{n}" for n in (2, 4, 8, 16, 32, 64)},
    **{f"float{n}": f"Float{n}" for n in (16, 32, 64)},
    "bfloat16": "BFloat16",
    "complex64": "Complex64",
    "complex128": "Complex128",
}
_KINDS: Final = (
    ("uint", "UInt"),
    ("int", "Int"),
    ("bfloat", "Float"),
    ("float", "Float"),
    ("complex", "Complex"),
)
_UNIONS: Final = (
    ("Integer", {"Int", "UInt"}),
    ("Real", {"Int", "UInt", "Float"}),
    ("Inexact", {"Float", "Complex"}),
    ("Num", {"Int", "UInt", "Float", "Complex"}),
)


def _kind(dtype: str) -> str:
    if dtype in {"bool", "bool_"}:
        return "Bool"
    return next((word for start, word in _KINDS if dtype.startswith(start)), "Shaped")


def dtype_word(dtypes: Collection[str]) -> str:
    """Name some dtypes by the narrowest word that takes them all.

    Args:
        dtypes: as jaxtyping calls them: ``float32``.

    Examples:
        >>> from sekisho.deduction import dtype_word
        >>> dtype_word({"float32"}), dtype_word({"float32", "float64"}), dtype_word({"bool", "int8"})
        ('Float32', 'Float', 'Shaped')
    """
    if len(dtypes) == 1:
        (only,) = dtypes
        return _ONE.get(only, _kind(only))
    kinds = {_kind(each) for each in dtypes}
    if len(kinds) == 1:
        return kinds.pop()
    return next((word for word, takes in _UNIONS if kinds <= takes), "Shaped")


def dtype_kind(dtypes: Collection[str]) -> str:
    """Name the kind of some dtypes, without a width.

    Examples:
        >>> from sekisho.deduction.dtypes import dtype_kind
        >>> dtype_kind({"float32"}), dtype_kind({"bool", "int8"})
        ('Float', 'Shaped')
    """
    kinds = {_kind(each) for each in dtypes}
    return kinds.pop() if len(kinds) == 1 else dtype_word(dtypes)


def word_takes(word: str, dtype: str) -> bool | None:
    """Return whether a word accepts a dtype; None if the word is unknown."""
    if word in {"Shaped", "Key"}:
        return True if word == "Shaped" else None
    kind = _kind(dtype)
    if word in _ONE.values():
        return _ONE.get(dtype) == word
    if re.fullmatch("Bool|UInt|Int|Float|Complex", word):
        return kind == word
    union = dict(_UNIONS).get(word)
    return None if union is None else kind in union
