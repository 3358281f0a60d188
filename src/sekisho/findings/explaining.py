"""Explain a code from the page of codes, without a network."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

from sekisho.findings.finding import CODES

__all__ = ["explain"]

_HERE = Path(__file__).parent


@cache
def explain(code: str) -> tuple[str, str]:
    """Return the first paragraph of a code's section in docs/check.md, and the whole section.

    Args:
        code: one of `CODES`.
    """
    section = re.search(rf"^## {code}\b.*?\n(.*?)(?=^## |\Z)", _page(), re.MULTILINE | re.DOTALL)
    text = section[1].strip() if section else CODES[code].title
    return " ".join(text.partition("\n\n")[0].split()), text


@cache
def _page() -> str:
    """Return the page: in a wheel it is beside this module, in a checkout in ``docs``."""
    for path in (_HERE / "check.md", _HERE.parents[2] / "docs" / "check.md"):
        if path.is_file():
            return path.read_text("utf-8")
    return ""
