"""The layers of docs/architecture.md, held by reading the imports."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

SOURCE = Path(__file__).parent.parent / "src" / "sekisho"
FRAMEWORKS = {"torch", "jaxtyping", "beartype", "array_api_compat"}

# An import goes only to a lower layer.
LAYERS = [
    {"errors"},
    {"_blocks", "_fields", "_table", "_words", "worlds", "_source"},
    {
        "modes",
        "_typecheck",
        "_axes",
        "_casting",
        "_containers",
        "_crossings",
        "_inject",
        "_losses",
        "_mistakes",
        "_refusals",
        "_resolve",
    },
    {"_convert", "_signature", "_specs", "_strict", "_options"},
    {"_calls", "_hints", "_memo"},
    {"_annotations", "_makers"},
    {"_contract", "_remedy"},
    {"_violations", "_scope"},
    {"_cross", "_explain", "_operands", "_questions", "_quick"},
    {"_items"},
    {"_admit", "_codegen", "_hand_back"},
    {"_generators", "_watched"},
    {"_body"},
    {"_checkpoint", "_names"},
    {"_guard"},
    {"_modules"},
    {"_targets"},
    {"_hook", "allowed", "checks", "decorators", "ops", "channels", "joins", "converters"},
    {"_ipython", "import_hook"},
    {"__init__", "__main__", "testing"},
]
LAYER = {module: number for number, layer in enumerate(LAYERS) for module in layer}
MODULES = sorted(SOURCE.glob("*.py"))


def imports(tree: ast.AST) -> list[str]:
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports name the package in full"
            if node.module == "sekisho":
                found += [f"sekisho.{alias.name}" for alias in node.names]
            else:
                found.append(str(node.module))
        elif isinstance(node, ast.Import):
            found += [alias.name for alias in node.names]
    return found


def test_every_module_has_a_layer():
    assert {path.stem for path in MODULES} == set(LAYER)


def test_the_picture_in_the_docs_is_true():
    page = (SOURCE.parent.parent / "docs" / "architecture.md").read_text("utf-8")
    layer, drawn = 0, {}
    for number, modules in re.findall(r"^\| (\d*) ?\| (`.*?`) \|", page, re.MULTILINE):
        layer = int(number) if number else layer
        drawn.update(dict.fromkeys(re.findall(r"`(\w+)`", modules), layer))
    assert drawn == LAYER


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.stem)
def test_imports_go_to_a_lower_layer(path):
    for name in imports(ast.parse(path.read_text("utf-8"))):
        top, _, module = name.partition(".")
        if top == "sekisho":
            assert LAYER[module] < LAYER[path.stem], f"{path.stem} imports {module}"


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.stem)
def test_no_module_imports_a_framework_when_it_is_imported(path):
    tree = ast.parse(path.read_text("utf-8"))
    for node in tree.body:  # not the bodies of functions, not `if TYPE_CHECKING:`
        for name in imports(node) if isinstance(node, (ast.Import, ast.ImportFrom)) else []:
            assert name.partition(".")[0] not in FRAMEWORKS


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.stem)
def test_modules_and_functions_stay_small(path):
    text = path.read_text("utf-8")
    assert len(text.splitlines()) <= 400
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            assert node.end_lineno - node.lineno < 60, node.name
