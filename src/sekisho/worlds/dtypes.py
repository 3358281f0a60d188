"""Names of dtypes, and the dtypes that every library has."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any, Final, NoReturn, TypeVar

import numpy as np

from sekisho.errors import with_article
from sekisho.worlds.policy import Refusal
from sekisho.worlds.tracing import is_compiling

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

__all__ = [
    "PLAIN_DTYPES",
    "class_of",
    "package_of",
    "dtype_name",
    "is_instance",
    "is_subclass",
    "once_by_size",
    "plain_array",
    "refuse_dtype",
]

T = TypeVar("T")

PLAIN_DTYPES: Final = frozenset(
    np.dtype(name)
    for name in (
        *("bool", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64"),
        *("float16", "float32", "float64", "complex64", "complex128"),
    )
)
"""The dtypes that NumPy, PyTorch and most other libraries have in common."""


def class_of(value: object) -> Any:
    """Return a value's type, typed as Any so that type checkers allow any attribute."""
    return type(value)


def is_instance(value: object, cls: Any) -> bool:
    """Return `isinstance`, also for a value whose class cannot be hashed: see `is_subclass`."""
    if is_compiling():  # a compiler need not trace the handler
        return isinstance(value, cls)
    try:
        return isinstance(value, cls)
    except Exception:  # noqa: BLE001 - a metaclass may raise anything
        return is_subclass(class_of(value), cls)


def is_subclass(kind: Any, cls: Any) -> bool:
    """Return `issubclass`, also for a class whose metaclass defines ``==`` and so no hash.

    An abstract class remembers the classes that it was asked for in a set, which needs their hash.
    """
    try:
        return issubclass(kind, cls)
    except Exception:
        if class_of(kind).__hash__ is type.__hash__ and class_of(kind).__eq__ is type.__eq__:
            raise
    several: Any = cls
    if isinstance(cls, tuple):
        return any(is_subclass(kind, each) for each in several)
    answer = cls.__subclasshook__(kind)
    if answer is not NotImplemented:
        return bool(answer)
    return any(_is_known(each, cls) for each in kind.__mro__[1:])


def _is_known(base: Any, cls: Any) -> bool:
    try:
        return issubclass(base, cls)
    except Exception:  # noqa: BLE001 - its bases are asked by themselves
        return cls.__subclasshook__(base) is True


def package_of(kind: Any) -> str:
    """Return the top-level package that defines a class; empty if the class has no module."""
    return str(getattr(kind, "__module__", "")).partition(".")[0]


_NUMPY_DTYPE: Final[Any] = np.dtype


def dtype_name(dtype: Any) -> str:
    """Return jaxtyping's name of a dtype, ``"float32"``, which is the same for every world.

    One difference is deliberate: NumPy types named after C types (such as ``ulonglong``, the dtype
    of ``np.array([2**63])``) have the name of the equal fixed-size dtype.
    """
    if not isinstance(dtype, _NUMPY_DTYPE):
        # JAX's dtype of PRNG keys is named by its scalar type. Compilers only meet torch's dtypes.
        scalar_type = None if is_compiling() else getattr(dtype, "type", None)
        named: str | None = getattr(scalar_type, "__name__", None)
        return named or str(dtype).rpartition(".")[2]
    if dtype.names is not None:
        return str(dtype)
    if dtype.kind in "iu":
        return f"{'u' if dtype.kind == 'u' else ''}int{8 * dtype.itemsize}"
    name: str = dtype.type.__name__
    return name


def once_by_size(read: Callable[[Mapping[str, Any]], T]) -> Callable[[Mapping[str, Any]], T]:
    """Cache a result about a module's names until their number changes, as during an import."""
    known: tuple[int, T] | None = None

    @functools.wraps(read)
    def read_once(names: Mapping[str, Any]) -> T:
        nonlocal known
        found = known  # read once: another thread may replace it meanwhile
        if found is None or found[0] != len(names):
            found = known = len(names), read(names)
        return found[1]

    return read_once


_TEXT: Final = "turn the text into numbers, such as class indices"
_NO_DTYPE: Final = {
    "O": ("holds Python objects", "{0}.astype('float64')"),
    "U": ("holds text", _TEXT),
    "S": ("holds bytes", "read the bytes as numbers, with numpy.frombuffer"),
    "T": ("holds text", _TEXT),
    "M": ("holds dates", "{0}.astype('int64'), which counts their units"),
    "m": ("holds time spans", "{0}.astype('int64'), which counts their units"),
    "g": ("is longdouble, which LIBRARY lacks", "{0}.astype('float64')"),
    "G": ("is clongdouble, which LIBRARY lacks", "{0}.astype('complex128')"),
}


def refuse_dtype(dtype: np.dtype[Any], library: str) -> NoReturn:
    """Refuse an array because a library lacks its dtype.

    Raises:
        Refusal: with a hint about what the array can be converted to.
    """
    if dtype.kind == "V" and dtype.names:
        raise Refusal("it is structured", f"one field at a time: {{0}}[{dtype.names[0]!r}]")
    if dtype.kind == "V" and dtype.char == "V":
        raise Refusal("it is of raw bytes")
    what, hint = _NO_DTYPE.get(dtype.char, (f"is {dtype}, which LIBRARY lacks", None))
    raise Refusal(f"it {what.replace('LIBRARY', library)}", hint)


def plain_array(value: Any, noun: str) -> np.ndarray[Any, Any]:
    """Return a value as a plain ndarray that shares its memory, if its subclass has no own meaning.

    Args:
        value: a NumPy array or scalar.
        noun: what messages call the result of the conversion.

    Raises:
        Refusal: if the subclass adds meaning, such as a mask or a unit.
    """
    kind = class_of(value)
    if kind is np.ndarray:
        array: np.ndarray[Any, Any] = value
        return array
    if issubclass(kind, np.generic):
        return np.asarray(value)
    if issubclass(kind, np.ma.MaskedArray):
        if np.ma.is_masked(value):
            raise Refusal(
                f"it masks some of its elements, and {noun} cannot",
                "fill them first, as in {0}.filled(...), or pass {0}.data and ~{0}.mask",
            )
        return np.asarray(value.data)
    if kind is np.memmap or kind is np.recarray:
        return np.asarray(value)
    name = f"{package_of(kind)}.{kind.__qualname__.rpartition('<locals>.')[2]}"
    name = name.removeprefix("builtins.").removeprefix("__main__.").removeprefix(".")
    raise Refusal(
        f"it is {with_article(name)}, whose meaning {noun} cannot keep", "numpy.asarray({0})"
    )
