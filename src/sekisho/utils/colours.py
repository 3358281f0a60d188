"""Colours of a terminal, where it has some and its user wants them."""

from __future__ import annotations

import os
from enum import Enum
from typing import Any

__all__ = ["Style", "has_colours", "painted"]


class Style(Enum):
    """How text is shown: the number of the escape sequence (SGR, ECMA-48)."""

    BOLD = 1
    RED = 31
    GREEN = 32
    YELLOW = 33
    BLUE = 34


def painted(text: str, style: Style) -> str:
    """Return text that a terminal shows in a style."""
    return f"\x1b[{style.value}m{text}\x1b[0m"


def has_colours(stream: Any) -> bool:
    """Whether text for a stream may have colours: ``NO_COLOR`` and ``FORCE_COLOR`` decide, else it is a terminal.

    https://no-color.org and https://force-color.org: a variable that is empty counts as unset.
    """
    if os.environ.get("NO_COLOR"):
        return False
    if os.environ.get("FORCE_COLOR"):
        return True
    return bool(stream.isatty()) and os.environ.get("TERM") != "dumb"
