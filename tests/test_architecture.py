"""docs/architecture.md: functions run in the order of its lists, and errors are raised where it says."""

from __future__ import annotations

import ast
import os
import re
import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from jaxtyping import Float

import sekisho as sk
from sekisho.__main__ import main

PAGE = Path(__file__).parent.parent / "docs" / "architecture.md"
SECTION = PAGE.read_text("utf-8").partition("## Four ways")[2].partition("\n## ")[0]
WAYS = {
    title: re.findall(r"^\d\. `([^`]+)`", text, re.MULTILINE)
    for title, text in re.findall(r"^\*\*(.+?)\*\*.*:\n\n((?:\d\. .*\n)+)", SECTION, re.MULTILINE)
}


SOURCE = Path(sk.__file__).parent
PACKAGES = PAGE.with_name("packages.md")


def imports_of(name):
    """Return the packages and modules of sekisho that one of them imports from."""
    folder = SOURCE / name
    files = folder.rglob("*.py") if folder.is_dir() else [folder.with_suffix(".py")]
    trees = [ast.parse(path.read_text("utf-8")) for path in files]
    nodes = [node for tree in trees for node in ast.walk(tree)]
    modules = [node.module for node in nodes if isinstance(node, ast.ImportFrom)]
    return {each.split(".")[1] for each in modules if each.startswith("sekisho.")}


@pytest.mark.parametrize(("path", "arrow"), [(PAGE, " -> "), (PACKAGES, " --> ")])
def test_each_arrow_of_a_picture_leads_to_a_package_that_is_imported_from(path, arrow):
    lines = re.findall(rf"^    (\w+(?:{arrow}\w+)+)$", path.read_text("utf-8"), re.MULTILINE)
    assert len(lines) >= 5
    pairs = {pair for line in lines for pair in pairwise(line.split(arrow))}
    modules = [each.stem for each in SOURCE.glob("*.py")]
    imported = {name: imports_of(name) for name, _ in pairs if name != "public"}
    imported["public"] = {each for name in modules for each in imports_of(name)}
    assert [pair for pair in pairs if pair[1] not in imported[pair[0]]] == []


def first(x: Float[np.ndarray, "n 2"]) -> Float[np.ndarray, " n"]:
    return x[:, 0]


def decorate_and_call():
    sk.numpy_world(first)(np.ones((3, 2)))


def total(xs: list[Float[np.ndarray, " n"]]) -> float:
    return float(sum(x.sum() for x in xs))


def convert():
    torch = pytest.importorskip("torch")
    guarded = sk.numpy_world(total)
    guarded([np.ones(3)])
    yield
    assert guarded([torch.ones(3)]) == 3.0


def refuse():
    guarded = sk.numpy_world(first)
    guarded(np.ones((3, 2)))
    yield
    with pytest.raises(sk.ShapeError) as caught:
        guarded(np.ones((2, 3)))
    assert "hint" in str(caught.value)


def check(tmp_path, monkeypatch):
    pytest.importorskip("torch")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    path = tmp_path / "program.py"
    path.write_text("import numpy as np\nimport torch\n\ntorch.sum(np.ones(3))\n", "utf-8")
    yield
    assert main(["check", str(path)]) == 1


def calls_of(run):
    """Names of the functions of sekisho that run, by their first calls."""
    called = {}

    def note(frame, event, _):
        module = frame.f_globals.get("__name__", "")
        if event == "call" and module.startswith("sekisho."):
            called.setdefault(f"{module.removeprefix('sekisho.')}.{frame.f_code.co_qualname}")

    before = sys.getprofile()
    sys.setprofile(note)
    try:
        run()
    finally:
        sys.setprofile(before)
    return list(called)


def test_the_page_lists_four_ways_of_at_most_six_functions():
    assert list(WAYS) == [
        "A valid call, the first of a decorated function",
        "A value that is converted",
        "A value that is refused",
        "`sekisho check`",
    ]
    assert all(4 < len(names) <= 6 for names in WAYS.values())


@pytest.mark.parametrize("title", list(WAYS))
def test_the_functions_are_called_in_this_order(title, tmp_path, monkeypatch, capsys):
    steps = {
        "A valid call, the first of a decorated function": iter([None]),
        "A value that is converted": convert(),
        "A value that is refused": refuse(),
        "`sekisho check`": check(tmp_path, monkeypatch),
    }[title]
    next(steps)
    is_first = title.startswith("A valid")
    called = calls_of(decorate_and_call if is_first else lambda: next(steps, None))
    names = [name for name in called if name in WAYS[title]]
    assert names == WAYS[title]


LATER = """
import numpy as np, sys
import sekisho as sk
from jaxtyping import Float

@sk.numpy_world
def first(x: Float[np.ndarray, "n 2"]) -> Float[np.ndarray, "n"]:
    return x[:, 0]

called = []

def note(frame, event, _):
    if event == "call" and frame.f_globals.get("__name__", "").startswith("sekisho."):
        called.append(frame.f_code.co_qualname)

first(np.ones((3, 2)))
sys.setprofile(note)
first(np.ones((3, 2)))
sys.setprofile(None)
assert called == [], called
"""


def test_a_later_valid_call_runs_no_function_of_sekisho():
    # In a process of its own: once a process was in strict mode, bodies may be monitored.
    environment = {**os.environ, "SEKISHO_MODE": "convert"}
    subprocess.run([sys.executable, "-c", LATER], check=True, env=environment)


# --- the slow path: data inside, errors at its edges -----------------------------------------------------

ERRORS = {
    name
    for name in sk.__all__
    if isinstance(getattr(sk, name), type) and issubclass(getattr(sk, name), sk.BoundaryError)
}


def trees_of(*packages):
    for package in packages:
        for path in sorted((SOURCE / package).glob("*.py")):
            yield path, ast.parse(path.read_text("utf-8"))


def functions_that(is_one, tree):
    """Names of the innermost functions that contain such a statement."""
    found = []

    def visit(node, name):
        for child in ast.iter_child_nodes(node):
            is_inner = isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef)
            if is_one(child):
                found.append(name)
            visit(child, child.name if is_inner else name)

    visit(tree, "")
    return found


def test_the_slow_path_raises_at_its_edges_only():
    def raises(node):
        return isinstance(node, ast.Raise) and node.exc is not None

    raising = {
        path.stem: names
        for path, tree in trees_of("validation")
        if (names := functions_that(raises, tree))
    }
    assert raising == {
        "copies": ["tell"],  # a lost write, after the body
        "hand_back": ["hand_back"],
        "validate": ["validate", "validate_item"],
    }


def test_no_error_of_ours_is_caught_to_find_a_verdict():
    def catches(node):
        if not isinstance(node, ast.ExceptHandler) or node.type is None:
            return False
        return bool(
            ERRORS & {each.id for each in ast.walk(node.type) if isinstance(each, ast.Name)}
        )

    catching = [
        f"{path.stem}.{name}"
        for path, tree in trees_of("validation", "guard", "fuzzing")
        for name in functions_that(catches, tree)
    ]
    assert catching == []
