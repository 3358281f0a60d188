"""Whether a compiler reads this Python code instead of running it."""

from __future__ import annotations

import sys

__all__ = ["is_compiling"]


def is_compiling() -> bool:
    """Whether a compiler of torch is tracing what runs now. It sees plain Python only.

    No other library reads Python: jax traces by running it, so that nothing here is hidden from it.
    """
    try:
        compiling: bool = sys.modules["torch"].compiler.is_compiling()
    except (KeyError, AttributeError):  # not imported, or in the middle of it
        return False
    return compiling
