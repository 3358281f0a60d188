"""What the site needs beside its pages: links to files that are no pages, and a page from elsewhere."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent.parent
_LINK = re.compile(r"\[([^]]*)\]\((?:\.\./)+((?:src|tests|examples|benchmarks)/[^)]*)\)")
_INCLUDE = re.compile(r"<!-- include (\S+) -->")


def on_config(config: Any) -> Any:
    """Say where the project is kept, if that is anywhere: see pyproject.toml."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    config["repo_url"] = project.get("urls", {}).get("Repository")
    config["repo_name"] = config["repo_url"] and project["name"]
    return config


def on_page_markdown(markdown: str, config: Any, **_: Any) -> str:
    """Take links out of the site to the repository, and pages from outside into it."""
    markdown = _INCLUDE.sub(lambda found: _include(found[1]), markdown)
    markdown = markdown.replace("```python\n>>> ", "```pycon\n>>> ")  # a lexer that knows prompts
    if config["repo_url"]:
        return _LINK.sub(rf"[\1]({config['repo_url']}/blob/main/\2)", markdown)
    return _LINK.sub(r"\1 (`\2`)", markdown)  # as long as it is nowhere


def _include(name: str) -> str:
    path = ROOT / name
    folder = path.parent.relative_to(ROOT).as_posix()
    text = path.read_text("utf-8").replace("](../docs/", "](")
    return re.sub(r"\]\(([\w.]+)\)", rf"](../{folder}/\1)", text)
