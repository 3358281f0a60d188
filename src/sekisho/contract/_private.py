"""What is used of jaxtyping that it promises to nobody, and what holds where a release is without it."""

from __future__ import annotations

import importlib
import warnings
from typing import Any

from sekisho.ground import once

__all__ = ["storage"]

_NAMES = (
    *("push_shape_memo", "get_shape_memo", "pop_shape_memo"),
    *("set_treepath_memo", "clear_treepath_memo"),
)


class _NoStorage:
    """Stands for jaxtyping's memory of a call's axes: it is told nothing, and tells nothing."""

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
    """Jaxtyping's memory of the axes that are bound in the innermost call, thread by thread.

    There is no public way: `jaxtyped` has a memory of its own for each call. Without it each `isinstance`
    of a body asks by itself, and axes inside of what only jaxtyping understands are not compared with those
    of other arguments. It is warned of once.
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
