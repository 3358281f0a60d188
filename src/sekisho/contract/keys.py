"""The keys of bindings: under which name a call holds a size, and everything else that it has bound.

Keys are strings, since generated functions, jaxtyping's memory and compilers pass them on. The first character says
what is bound:

| key | what is bound |
|---|---|
| ``n`` | the size of an axis |
| ``*batch`` | the sizes of several axes |
| ``#*batch`` | whether these may still grow by broadcasting |
| ``{size}`` | the value of an argument |
| ``<T>`` | the structure of a PyTree |
| ``@D`` | the dtype that a type variable stands for |
"""

from __future__ import annotations

from typing import Final, Literal, TypeAlias

__all__ = [
    "KeyKind",
    "argument_key",
    "argument_of",
    "dtype_key",
    "growth_key",
    "kind_of",
    "several_key",
    "structure_key",
]

KeyKind: TypeAlias = Literal["size", "several", "growth", "argument", "structure", "dtype"]

_KINDS: Final[dict[str, KeyKind]] = {
    "*": "several",
    "#": "growth",
    "{": "argument",
    "<": "structure",
    "@": "dtype",
}


def kind_of(key: str) -> KeyKind:
    """Return what is bound under a key."""
    return _KINDS.get(key[0], "size")


def several_key(name: str) -> str:
    """Return the key of the sizes of several axes, ``*name``."""
    return f"*{name}"


def growth_key(key: str) -> str:
    """Return the key under which it is bound whether several axes may still grow.

    Args:
        key: the key of their sizes.
    """
    return f"#{key}"


def argument_key(name: str) -> str:
    """Return the key of an argument's value."""
    return f"{{{name}}}"


def argument_of(key: str) -> str:
    """Return the argument whose value is bound under a key."""
    return key[1:-1]


def structure_key(name: str) -> str:
    """Return the key of a PyTree's structure."""
    return f"<{name}>"


def dtype_key(name: str) -> str:
    """Return the key of the dtype that a type variable stands for."""
    return f"@{name}"
