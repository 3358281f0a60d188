"""What the site needs beside its pages: links to files that are no pages, and a page from elsewhere."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent.parent
_LINK = re.compile(r"\]\((?:\.\./)+((?:src|tests|examples|benchmarks)/[^)]*)\)")
_INCLUDE = re.compile(r"<!-- include (\S+) -->")


def on_page_markdown(markdown: str, config: Any, **_: Any) -> str:
    """Take links out of the site to the repository, and pages from outside into it."""
    source = f"{config['repo_url']}/blob/main"
    markdown = _INCLUDE.sub(lambda found: _include(found[1], source), markdown)
    return _LINK.sub(rf"]({source}/\1)", markdown)


def _include(name: str, source: str) -> str:
    path = ROOT / name
    folder = path.parent.relative_to(ROOT).as_posix()
    text = path.read_text("utf-8").replace("](../docs/", "](")
    return re.sub(r"\]\(([\w.]+)\)", rf"]({source}/{folder}/\1)", text)
