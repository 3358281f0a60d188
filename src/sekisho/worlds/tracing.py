"""Whether a compiler reads this Python code instead of running it."""

from __future__ import annotations

import sys

__all__ = ["is_compiling", "runs_while_compiling"]


def is_compiling() -> bool:
    """Whether a compiler of torch is tracing what runs now. It sees plain Python only.

    No other library reads Python: jax traces by running it, so that nothing here is hidden from it.
    """
    try:
        compiling: bool = sys.modules["torch"].compiler.is_compiling()
    except (KeyError, AttributeError):  # not imported, or in the middle of it
        return False
    return compiling


def runs_while_compiling() -> bool:
    """Whether what really runs was called by what a compiler of torch is tracing.

    Up to torch 2.12 `is_compiling` is true in nothing but what is traced.
    """
    guards = sys.modules.get("torch._guards")
    return is_compiling() or (guards is not None and guards.TracingContext.try_get() is not None)
