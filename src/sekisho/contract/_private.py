"""Use private parts of jaxtyping, and replace them in a release that lacks them."""

from __future__ import annotations

import importlib
import warnings
from typing import Any

from sekisho.utils import once

__all__ = ["storage"]

_NAMES = (
    *("push_shape_memo", "get_shape_memo", "pop_shape_memo"),
    *("set_treepath_memo", "clear_treepath_memo"),
)


class _NoStorage:
    """A replacement for jaxtyping's storage of axes, which stores nothing."""

    def push_shape_memo(self, arguments: dict[str, Any]) -> None:
        pass

    def get_shape_memo(self) -> tuple[dict[str, Any], ...]:
        return {}, {}, {}, {}

    def pop_shape_memo(self) -> None:
        pass

    def set_treepath_memo(self, index: int, structure: str) -> None:
        pass

    def clear_treepath_memo(self) -> None:
        pass


@once
def storage() -> Any:
    """Return jaxtyping's storage of the axes that are bound in the innermost call of a thread.

    There is no public access: `jaxtyped` has a storage of its own for each call. Without the
    storage each `isinstance` in a body is checked on its own, and axes in what only jaxtyping
    understands are not compared with those of other arguments. A warning says so once.
    """
    try:
        found: Any = importlib.import_module("jaxtyping._storage")
    except ImportError:
        found = None
    if all(hasattr(found, name) for name in _NAMES):
        return found
    version = getattr(importlib.import_module("jaxtyping"), "__version__", "")
    warnings.warn(
        f"isinstance in bodies does not know the axes of their calls: jaxtyping {version} does not keep "
        f"them where sekisho looks.\n"
        f"  hint: sekisho.check(x, annotation) instead of isinstance, or an older jaxtyping",
        RuntimeWarning,
        stacklevel=2,
    )
    return _NoStorage()
