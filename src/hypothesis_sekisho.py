"""What Hypothesis asks when it is imported: strategies for jaxtyping's annotations.

So ``st.from_type``, ``st.builds`` and ``@given(...)`` find them. A module of its own, outside of the
package: Hypothesis imports it wherever sekisho is installed, and it must cost nothing there.
"""

from __future__ import annotations

import sys
from typing import Any

__all__ = ["register"]


def register() -> None:
    """Have Hypothesis ask here for what is jaxtyping's.

    Each annotation is a class of its own, and what Hypothesis offers to everybody is for classes
    that are known. It keeps a table for whole libraries, which it fills for NumPy; if a release has
    none, `sekisho.testing.arrays_of` remains.
    """
    try:
        from hypothesis.strategies._internal import types  # noqa: PLC0415 - being imported right now
    except ImportError:
        return
    table: Any = getattr(types, "_global_extra_lookup", None)
    if isinstance(table, dict):
        table.setdefault("jaxtyping", _strategy)


def _strategy(thing: Any) -> Any:
    """The strategy for an annotation of an array; None for all else."""
    arrays: Any = getattr(sys.modules.get("jaxtyping"), "AbstractArray", None)
    if arrays is None or not isinstance(thing, type) or not issubclass(thing, arrays):
        return None
    from sekisho.testing import arrays_of  # noqa: PLC0415 - only where there is one

    return arrays_of(thing)
