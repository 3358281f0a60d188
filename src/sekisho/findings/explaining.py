"""Explain a code from the page of codes, without a network."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

from sekisho.findings.finding import CODES

__all__ = ["explain", "find_page"]

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
def find_page() -> Path | None:
    """Find docs/check.md: a wheel has it beside this module, a checkout among its other pages."""
    pages = (_HERE / "check.md", _HERE.parents[2] / "docs" / "check.md")
    return next((path for path in pages if path.is_file()), None)


@cache
def _page() -> str:
    path = find_page()
    return "" if path is None else path.read_text("utf-8")
