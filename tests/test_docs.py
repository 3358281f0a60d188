"""The pages describe all that exists, and are the same in both languages."""

from __future__ import annotations

import importlib
import inspect
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

import sekisho as sk

ROOT = Path(__file__).parent.parent
DOCS = ROOT / "docs"


def code_of(name):
    """Return the lines of Python on a page, without comments."""
    text = (ROOT / name).read_text("utf-8")
    blocks = re.findall(r"^```python\n(.*?)^```", text, re.DOTALL | re.MULTILINE)
    return [line.partition("  #")[0].rstrip() for line in "\n".join(blocks).splitlines()]


def test_every_public_name_is_on_a_page_of_the_reference():
    pages = "".join(path.read_text("utf-8") for path in (DOCS / "reference").glob("*.md"))
    found = set(re.findall(r"^::: sekisho\.(?:testing\.|helpers\.)?(\w+)", pages, re.MULTILINE))
    for module in found & {"ops", "channels", "joins", "converters"}:
        found |= set(importlib.import_module(f"sekisho.helpers.{module}").__all__)
    assert {name for name in sk.__all__ if not name.startswith("__")} <= found
    assert set(importlib.import_module("sekisho.testing").__all__) <= found


def test_every_page_is_in_the_navigation():
    navigation = (ROOT / "mkdocs.yml").read_text("utf-8").partition("\nnav:\n")[2]
    pages = {path.relative_to(DOCS).as_posix() for path in DOCS.rglob("*.md")}
    assert set(re.findall(r": ([\w/-]+\.md)$", navigation, re.MULTILINE)) == pages


def test_both_readmes_show_the_same_code():
    english, japanese = code_of("README.md"), code_of("README.ja.md")
    assert set(japanese) <= set(english)
    shown = [line for line in english if line.startswith(("@sk.", "class ", "def "))]
    in_both = [line for line in shown if line in japanese]
    assert len(in_both) >= len(shown) - 1


@pytest.mark.parametrize("name", ["index.md", "tutorial.md"])
def test_a_page_in_japanese_is_the_english_one_section_by_section(name):
    english, japanese = f"docs/{name}", f"docs/ja/{name}"
    assert code_of(english) == code_of(japanese)
    assert sections_of(english) == sections_of(japanese)


def test_both_readmes_have_the_same_sections():
    assert sections_of("README.md") == sections_of("README.ja.md")


def sections_of(name):
    """Return the parts of each section that are not prose: pictures, code by language, table rows."""
    text = (ROOT / name).read_text("utf-8")
    parts = re.split(r"^## .*\n", text, flags=re.MULTILINE)
    pictures = (re.findall(r"!\[[^]]*\]\((?:\.\./)?([^)]*)\)", part) for part in parts)
    blocks = (re.findall(r"^```(\w+)", part, re.MULTILINE) for part in parts)
    rows = (len(re.findall(r"^\|", part, re.MULTILINE)) for part in parts)
    return list(zip(pictures, blocks, rows, strict=True))


def test_both_readmes_link_to_the_same_pages():
    def links(name):
        return set(re.findall(r"\]\(([\w./]+)\)", (ROOT / name).read_text("utf-8")))

    assert links("README.md") - {"README.ja.md"} == links("README.ja.md") - {"README.md"}


DECORATORS = ("numpy_world", "torch_world", "jax_world", "same_world", "boundary")


def test_the_table_of_options_is_that_of_the_decorators():
    page = (DOCS / "reference" / "options.md").read_text("utf-8")
    rows = {}
    for line in re.findall(r"^\| `.*$", page, re.MULTILINE):
        name, values, default, of, _ = (cell.strip() for cell in line.strip("|").split(" | "))
        rows[name.strip("` ")] = (default.strip("`"), re.findall(r"\w+", of))
        assert default in values
    found: dict[str, tuple[str, list[str]]] = {}
    for decorator in DECORATORS:
        for name, each in inspect.signature(getattr(sk, decorator)).parameters.items():
            if each.kind is each.KEYWORD_ONLY:
                default = json.dumps(each.default) if each.default == str(each.default) else ""
                found.setdefault(name, (default or str(each.default), []))[1].append(decorator)
    assert rows == found


def test_the_table_of_settings_is_that_of_the_schema():
    package = importlib.import_module("sekisho.package")
    page = (DOCS / "reference" / "settings.md").read_text("utf-8")
    rows = re.findall(r"^\| `(.*?)` \| .*? \| (.*?) \| (.*?) \|$", page, re.MULTILINE)
    assert rows == [
        (
            name,
            f"`{json.dumps(schema['default'])}`" if "default" in schema else "",
            schema["description"].rstrip("."),
        )
        for name, schema in package.settings()
    ]


def test_links_in_pages_and_readmes_lead_somewhere():
    for path in (*ROOT.glob("*.md"), *DOCS.rglob("*.md")):
        for link in re.findall(r"\]\((?!https?:|#)([^)#\s]+)", path.read_text("utf-8")):
            assert (path.parent / link).exists(), f"{path.name}: {link}"


def test_what_pages_say_of_speed_is_what_was_measured(monkeypatch):
    monkeypatch.syspath_prepend(ROOT / "benchmarks")
    claims = importlib.import_module("claims")
    values = claims.claims(json.loads(claims.RESULTS.read_text("utf-8")))
    said = [page for page in claims.PAGES if "<!-- speed: " in page.read_text("utf-8")]
    assert len(said) >= 5
    for page in said:
        text = page.read_text("utf-8")
        assert claims.filled(text, values) == text, f"{page.name}: run benchmarks/claims.py"


CELLS = """
import json, sys
from IPython.core.interactiveshell import InteractiveShell

shell = InteractiveShell.instance()
for cell in json.loads(sys.argv[1]):
    ran = shell.run_cell(cell)
    error = ran.error_before_exec or ran.error_in_exec
    line = cell.partition("\\n")[0]
    if line.startswith("# refused: "):
        assert str(error).splitlines()[0] == line.removeprefix("# refused: "), error
    elif error:
        raise error
    if cell.endswith("\\nlog\\n"):
        assert "<table" in ran.result._repr_html_()
        assert "shared" in str(ran.result)
assert ran.success
"""


def test_the_page_on_notebooks_runs_cell_by_cell(tmp_path):
    pytest.importorskip("IPython")
    pytest.importorskip("torch")
    text = (ROOT / "docs" / "howto" / "notebook.md").read_text("utf-8")
    cells = re.findall(r"^```ipython\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    assert len(cells) == 7
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", CELLS, json.dumps(cells)],
        cwd=tmp_path,
        env={**os.environ, "IPYTHONDIR": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
