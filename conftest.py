"""Run every snippet of the README, the docs and the docstrings, and skip what cannot run here."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from sybil import Sybil
from sybil.parsers.markdown import PythonCodeBlockParser as MarkdownCode
from sybil.parsers.rest import DocTestParser

if TYPE_CHECKING:
    from collections.abc import Iterable

ROOT = Path(__file__).parent
HAS_TORCH = importlib.util.find_spec("torch") is not None


def _without_torch(folder: Path, pattern: str) -> Iterable[str]:
    """The files whose snippets need torch, where it is not installed."""
    if HAS_TORCH:
        return []
    return [p.name for p in folder.rglob(pattern) if "import torch" in p.read_text("utf-8")]


_docstrings = Sybil(
    path=str(ROOT / "src"),
    parsers=[DocTestParser()],
    pattern="**/*.py",
    excludes=[f"**/{name}" for name in _without_torch(ROOT / "src", "*.py")],
)
_pages = Sybil(
    path=str(ROOT),
    parsers=[MarkdownCode()],
    patterns=["README.md", "docs/*.md"],
    excludes=[
        *_without_torch(ROOT, "README.md"),
        *(f"docs/{name}" for name in _without_torch(ROOT / "docs", "*.md")),
    ],
)
pytest_collect_file = (_docstrings + _pages).pytest()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Skip the tests marked `cuda` where there is no such device, and say so."""
    marked = [item for item in items if item.get_closest_marker("cuda")]
    if not marked:
        return
    if not HAS_TORCH:
        reason = "torch is not installed"
    else:
        import torch  # noqa: PLC0415 - only where it is needed

        reason = "" if torch.cuda.is_available() else "no CUDA device is present"
    for item in marked if reason else ():
        item.add_marker(pytest.mark.skip(reason=reason))
