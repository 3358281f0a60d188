"""The version of an installed library."""

from __future__ import annotations

import re
from typing import Any

__all__ = ["release_of"]


def release_of(library: Any) -> tuple[int, ...]:
    """Return major and minor version, ``(2, 13)``; empty if there is none, as during an import."""
    version = str(getattr(library, "__version__", ""))
    return tuple(int(each) for each in re.findall(r"\d+", version)[:2])
