"""The page of code that checkers are compared on, and what docs/comparison.md says of `check`."""

from __future__ import annotations

import importlib
import json
import re
from pathlib import Path

import pytest

from sekisho.__main__ import main

pytest.importorskip("torch")
ROOT = Path(__file__).parent.parent


@pytest.fixture
def static(monkeypatch):
    """Return benchmarks/static.py, which is no part of a package."""
    monkeypatch.syspath_prepend(ROOT / "benchmarks")
    monkeypatch.syspath_prepend(ROOT / "tests" / "planted")  # benchmarks/engines.py reads it
    return importlib.import_module("static")


def test_each_marked_line_of_the_page_raises(static):
    names = static.prove()
    assert len(static.CALLS) == 12
    assert {each.place for each in names} == set(range(12))


def test_the_repaired_page_runs_and_check_finds_nothing_there(static, tmp_path, capsys):
    (tmp_path / "page.py").write_text(static.repaired(), "utf-8")
    assert main(["check", "--no-cache", str(tmp_path)]) == 0
    assert capsys.readouterr().out.startswith("no findings")


def test_the_page_without_annotations_is_the_same_code(static):
    bare = static.bare(static.TEXT)
    assert "Float[" not in bare
    assert len(static.marked(bare)) == 12


@pytest.mark.usefixtures("read_cache")
def test_the_comparison_has_what_check_finds(static, capsys):
    main(["check", "--format", "json", "--exit-zero", str(ROOT / "benchmarks" / "page.py")])
    lines = [each["line"] for each in json.loads(capsys.readouterr().out)["findings"]]
    hit, others = static.found(lines, static.TEXT)
    (row,) = re.findall(r"^\| \*\*sekisho check.*", static.PAGE.read_text("utf-8"), re.MULTILINE)
    assert (len(hit), others) == (int(row.split(" | ")[1]), 0), "run benchmarks/static.py --write"
