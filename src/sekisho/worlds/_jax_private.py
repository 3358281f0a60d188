"""JAX names that are not public API, each with a fallback for releases that lack it."""

from __future__ import annotations

import warnings
from typing import Any, Final

from sekisho.utils import look_up

__all__ = ["CLASS", "TRACER", "is_clean", "warn_unless_watched"]

CLASS: Final = "_src.array.ArrayImpl"
"""The class of actual arrays. Only it has the methods, unlike `jax.Array`, and it is not public."""

TRACER: Final = "_src.core.Tracer"
"""The class of the values that JAX traces; `jax.core.Tracer` is the same class."""

_CLEAN: Final = "_src.core.trace_state_clean"


def is_clean(jax: Any) -> bool:
    """Return whether no JAX transform is active; True if unknown: tracers are detected, too."""
    # Not `jax.core`, which warns about this name in releases 0.5 to 0.6.
    ask = look_up(jax, _CLEAN)
    return True if ask is None else bool(ask())


def warn_unless_watched(jax: Any) -> None:
    """Warn if strict mode cannot hook the array methods of this JAX release."""
    if look_up(jax, CLASS) is None:
        warnings.warn(
            f"strict mode sees no methods of JAX's arrays: jax {getattr(jax, '__version__', '')} has no "
            f"jax.{CLASS}.\n  hint: a release of sekisho that knows it, or an older jax",
            RuntimeWarning,
            stacklevel=2,
        )
