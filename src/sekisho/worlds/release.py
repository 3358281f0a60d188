"""Which release of a library is there."""

from __future__ import annotations

import re
from typing import Any

__all__ = ["release_of"]


def release_of(library: Any) -> tuple[int, ...]:
    """Its major and minor number, ``(2, 13)``; empty where it says none, as in the middle of an import."""
    version = str(getattr(library, "__version__", ""))
    return tuple(int(each) for each in re.findall(r"\d+", version)[:2])
