"""Run every snippet of the README, the docs and the docstrings, and skip what cannot run here."""

from __future__ import annotations

import importlib.util
import re
import sys
from doctest import ELLIPSIS
from pathlib import Path
from typing import TYPE_CHECKING, Any
from unittest import SkipTest

import pytest
from sybil import Sybil
from sybil.parsers.markdown import PythonCodeBlockParser
from sybil.parsers.rest import DocTestParser

from sekisho.worlds import registry

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from sybil import Document, Example, Region

ROOT = Path(__file__).parent
OPTIONAL = (
    "torch",
    "jax",
    "pandas",
    "sklearn",
    "scipy",
    "PIL",
    "fastapi",
    "httpx",
    "pydantic",
    "onnxruntime",
)
MISSING = [name for name in OPTIONAL if importlib.util.find_spec(name) is None]
HAS_TORCH = "torch" not in MISSING


def _skipping(parse: Callable[[Document], Iterable[Region]]) -> Callable[..., Iterable[Region]]:
    """Skip the snippets of a document that needs a library which is not installed."""

    def parse_or_skip(document: Document) -> Iterable[Region]:
        text = Path(document.path).read_text("utf-8")
        needs = rf"import (?:{'|'.join(MISSING)})\b|from (?:{'|'.join(MISSING)})[\w.]* import"
        skips = bool(MISSING and re.search(needs, text))
        for region in parse(document):
            if skips:
                region.evaluator = _skip
            yield region

    return parse_or_skip


def _skip(_: Example) -> Any:
    raise SkipTest(f"not installed: {', '.join(MISSING)}")


def _forget_worlds(namespace: dict[str, Any]) -> None:
    """Forget the world that a page registers; not those of what it was the first to import."""
    namespace.clear()  # its guards ask for their world as long as they live
    kept = [world for world in registry._records if world.name != "grid"]  # noqa: SLF001 - as said
    registry._records = tuple(kept)  # noqa: SLF001 - likewise
    sys.modules.pop("grid", None)


pytest_collect_file = (
    Sybil(
        path=str(ROOT / "src"),
        parsers=[_skipping(DocTestParser(optionflags=ELLIPSIS))],
        pattern="**/*.py",
    )
    + Sybil(
        path=str(ROOT),
        parsers=[_skipping(PythonCodeBlockParser())],
        patterns=["README.md", "README.ja.md", "docs/*.md", "docs/*/*.md"],
        exclude="docs/howto/frameworks.md",  # tests/test_frameworks.py runs each section alone
        teardown=_forget_worlds,
    )
).pytest()


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
