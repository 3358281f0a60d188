"""What is used of JAX that it promises to nobody, and what holds where a release is without it."""

from __future__ import annotations

import warnings
from typing import Any, Final

from sekisho.ground import look_up

__all__ = ["CLASS", "is_clean", "warn_unless_watched"]

CLASS: Final = "_src.array.ArrayImpl"
"""Where the class is that `jax.Array` stands for, which alone has the methods: none is public."""


_CLEAN: Final = "_src.core.trace_state_clean"


def is_clean(jax: Any) -> bool:
    """Whether no transform of JAX is at work. Where it cannot be asked: yes; a tracer says so itself."""
    # `jax.core` warns of this name, from 0.5 to 0.6.
    ask = look_up(jax, _CLEAN)
    return True if ask is None else bool(ask())


def warn_unless_watched(jax: Any) -> None:
    """Warn of a release whose arrays strict mode cannot watch."""
    if look_up(jax, CLASS) is None:
        warnings.warn(
            f"strict mode sees no methods of JAX's arrays: jax {getattr(jax, '__version__', '')} has no "
            f"jax.{CLASS}.\n  hint: a release of sekisho that knows it, or an older jax",
            RuntimeWarning,
            stacklevel=2,
        )
