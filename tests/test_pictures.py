"""The README's pictures show the current output, except for seconds."""

from __future__ import annotations

import importlib
import re
from pathlib import Path

import pytest

pytest.importorskip("torch")
pytest.importorskip("libcst")
pytest.importorskip("hypothesis")

DOCS = Path(__file__).parent.parent / "docs"


@pytest.fixture(scope="module")
def pictures():
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(DOCS)
        return importlib.import_module("pictures").pictures()


def without_times(text):
    """Return the text without milliseconds and shares of time, and without their padding."""
    text = re.sub(r"\d+\.\d+(?=  )|\d+\.\d+%|(?<=kB  )\d+\.\d+|(?<= B  )\d+\.\d+", "T", text)
    return re.sub(r' (textLength|width|height|viewBox)="[^"]*"| +|-{9,}', " ", text)


@pytest.mark.parametrize("name", ["border", "crossings", "map", "check", "adopt", "fuzz"])
def test_a_picture_is_what_is_printed(pictures, name):
    kept = (DOCS / "images" / f"{name}.svg").read_text("utf-8")
    assert without_times(pictures[name]) == without_times(kept), "run docs/pictures.py"


def test_the_picture_of_the_editor_is_what_the_server_answers(monkeypatch):
    pytest.importorskip("pygls")
    monkeypatch.syspath_prepend(DOCS)
    kept = (DOCS / "images" / "editor.svg").read_text("utf-8")
    assert importlib.import_module("pictures").editor() == kept, "run docs/pictures.py"
    for shown in ("[misleading-name]", "[wrong-library]", ": numpy", "← NumPy → PyTorch", "axes"):
        assert shown in kept


@pytest.mark.parametrize("name", ["border", "crossings", "map", "check", "adopt", "fuzz", "editor"])
def test_a_picture_loads_nothing(name):
    kept = (DOCS / "images" / f"{name}.svg").read_text("utf-8")
    assert "href" not in kept
    assert "url(" not in kept
    assert set(re.findall(r"https?://[^\"]*", kept)) == {"http://www.w3.org/2000/svg"}


def test_every_picture_is_shown_in_both_readmes():
    names = {"border", "crossings", "map", "check", "adopt", "fuzz"}
    for page in ("README.md", "README.ja.md"):
        shown = re.findall(r"docs/images/(\w+)\.svg", (DOCS.parent / page).read_text("utf-8"))
        assert names <= set(shown)
