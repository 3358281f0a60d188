"""What people write where an annotation should stand, and the word that they meant."""

from __future__ import annotations

import sys
import types
from typing import Any, Final

import numpy as np

from sekisho.worlds import TORCH, dtype_name

__all__ = ["refuse_mistake"]

_CLASSES: Final = {
    **dict.fromkeys(("array", "asarray", "zeros", "ones", "empty", "ndarray"), "numpy.ndarray"),
    **dict.fromkeys(("tensor", "as_tensor", "from_numpy"), "torch.Tensor"),
}


def refuse_mistake(hint: Any) -> None:
    """Refuse a dtype, a function or a module that stands as an annotation.

    Raises:
        ValueError: with the annotation that was meant, as for every annotation that cannot be read.
    """
    torch: Any = TORCH.module()
    if isinstance(hint, np.dtype) or (torch is not None and isinstance(hint, torch.dtype)):
        library = "numpy.ndarray" if isinstance(hint, np.dtype) else "torch.Tensor"
        raise ValueError(f"a dtype is no annotation{_array_of(dtype_name(hint), library)}")
    if isinstance(hint, (types.FunctionType, types.BuiltinFunctionType, np.ufunc)):
        name = hint.__name__
        meant = f"\n  hint: the class is {_CLASSES[name]}" if name in _CLASSES else ""
        raise ValueError(f"a function is no annotation{meant}")  # noqa: TRY004 - as said
    if isinstance(hint, types.ModuleType):
        raise ValueError("a module is no annotation")  # noqa: TRY004 - as said
    jaxtyping: Any = sys.modules.get("jaxtyping")
    if jaxtyping and isinstance(hint, type) and issubclass(hint, jaxtyping.AbstractDtype):
        raise ValueError(
            f'it names a dtype and no array\n  hint: {hint.__name__}[numpy.ndarray, "..."], '
            f"or the array and the axes that you mean"
        )


def _array_of(dtype: str, library: str) -> str:
    prefix = {"uint": "UInt", "int": "Int"}
    name = next((k for k in prefix if dtype.startswith(k)), None)
    word = prefix[name] + dtype.removeprefix(name) if name else dtype[:1].upper() + dtype[1:]
    jaxtyping: Any = sys.modules.get("jaxtyping")
    known = jaxtyping is None or hasattr(jaxtyping, word)
    return f'\n  hint: {word}[{library}, "..."], of jaxtyping' if known else ""
