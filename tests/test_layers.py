"""The packages of docs/packages.md: their content, their importers and their sizes.

import-linter checks which package may import from which, by pyproject.toml: ``make lint``.
"""

from __future__ import annotations

import ast
import importlib
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
SOURCE = ROOT / "src" / "sekisho"
FRAMEWORKS = {"torch", "jax", "cupy", "jaxtyping", "beartype", "array_api_compat"}

MODULES = sorted(SOURCE.rglob("*.py"))
PACKAGES = sorted(path.parent.name for path in SOURCE.glob("*/__init__.py"))


def name_of(path):
    return ".".join(path.relative_to(SOURCE).with_suffix("").parts)


modules = pytest.mark.parametrize("path", MODULES, ids=name_of)


def imports(tree):
    """Yield every import: the module, and the imported names."""
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports name the package in full"
            yield str(node.module), [alias.name for alias in node.names]
        elif isinstance(node, ast.Import):
            for alias in node.names:
                yield alias.name, []


@modules
def test_an_import_from_another_package_takes_a_name_that_it_lists(path):
    own = path.relative_to(SOURCE).parts[0]
    for module, names in imports(ast.parse(path.read_text("utf-8"))):
        package, _, inside = module.partition(".")
        folder = inside.partition(".")[0]
        if package == "sekisho" and folder in PACKAGES and folder != own:
            assert inside == folder, f"{module} is inside another package"
            assert set(names) <= set(importlib.import_module(module).__all__)


@pytest.mark.parametrize("folder", PACKAGES)
def test_a_package_states_its_purpose_in_five_lines_and_lists_what_others_import(folder):
    tree = ast.parse((SOURCE / folder / "__init__.py").read_text("utf-8"))
    assert len(ast.get_docstring(tree).splitlines()) <= 6
    taken = set()
    for path in (*MODULES, *ROOT.glob("tests/**/*.py"), *ROOT.glob("src/*.py")):
        if path.parent != SOURCE / folder:
            for module, names in imports(ast.parse(path.read_text("utf-8"))):
                taken |= set(names) if module == f"sekisho.{folder}" else set()
    assert taken >= set(importlib.import_module(f"sekisho.{folder}").__all__), (
        "lists a name that no other package imports"
    )


def test_the_table_in_the_docs_has_every_package_and_no_other():
    page = (ROOT / "docs" / "packages.md").read_text("utf-8")
    assert sorted(re.findall(r"^\| `(\w+)` \|", page, re.MULTILINE)) == PACKAGES


@modules
def test_no_module_imports_a_framework_when_it_is_imported(path):
    tree = ast.parse(path.read_text("utf-8"))
    for node in tree.body:  # without bodies of functions, and without `if TYPE_CHECKING:`
        found = imports(node) if isinstance(node, (ast.Import, ast.ImportFrom)) else ()
        for module, _ in found:
            assert module.partition(".")[0] not in FRAMEWORKS


@modules
def test_modules_and_functions_stay_small(path):
    text = path.read_text("utf-8")
    assert len(text.splitlines()) <= 400
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            assert node.end_lineno - node.lineno < 60, node.name


PUBLIC = {
    f"{start}{world}{end}"
    for world in ("torch", "jax", "cupy")
    for start, end in (("", "_world"), ("to_", ""), ("is_", ""), ("_to_", ""))
}
OWN_NAMES = {"converters": {"torch", "jax"}, "registered": {"jax"}}
"""The file that defines each world's own public functions, by the name of the world."""


NAMES_LIBRARIES = (SOURCE / "worlds", SOURCE / "exporting", SOURCE / "export.py")
"""An exporter belongs to one library, and what it takes is written in its own words."""


@modules
def test_outside_of_worlds_and_exporters_no_code_names_a_library(path):
    """Docstrings and comments may; public names do; the name of the file that is meant here, too."""
    if any(path.is_relative_to(each) for each in NAMES_LIBRARIES):
        pytest.skip("here they are named")
    tree = ast.parse(path.read_text("utf-8"))
    docstrings = {
        id(node.value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
    }
    for node in ast.walk(tree):
        words = {getattr(node, "id", ""), getattr(node, "attr", ""), getattr(node, "name", "")}
        words |= {getattr(node, "module", "") or "", getattr(node, "arg", "") or ""}
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            if id(node) in docstrings or node.value in OWN_NAMES.get(path.stem, ()):
                continue
            words |= set(re.findall(r"\w+", node.value))
        for word in map(str, words):
            if re.search("torch|jax(?!typing|typed)|cupy", word):
                assert word in PUBLIC, f"line {node.lineno}: {word}"
