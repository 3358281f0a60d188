"""`check` does not report good code, and its defaults report only problems."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from sekisho.findings import CODES
from sekisho.findings.finding import BY_SEVERITY

pytestmark = pytest.mark.usefixtures("torch")

HEAD = "import numpy as np\nimport torch\n\n"

STYLE = {
    "SK101": "x = np.ones(3)\nx = torch.as_tensor(x)\n",
    "SK103": "def f(x: torch.Tensor):\n    return x.detach().numpy()\n",
    "SK105": "def f(n):\n    if n:\n        return np.ones(n)\n    return torch.ones(n)\n",
    "SK106": "def f(x):\n    return x + 1\n\n\nf(np.ones(3))\nf(torch.ones(3))\n",
    "SK112": "x = 1  # sekisho: ignore[SK103]\n",
}
SETTINGS = {
    "select": ("[tool.sekisho.check]\nselect = ['SK']\n", True),
    "extend-select": ("[tool.sekisho.check]\nextend-select = ['SK10']\n", True),
    "other settings": ("[tool.sekisho]\nmode = 'strict'\n", True),
    "settings of other tools": ("[tool.ruff]\nline-length = 99\n", False),
    "selecting others": ("[tool.sekisho.check]\nselect = ['SK107']\n", False),
}


def codes(run_check, *options):
    _, out, _ = run_check(".", "--format", "json", *options)
    return sorted({each["code"] for each in json.loads(out)["findings"]})


def test_each_code_has_its_place_by_severity():
    assert sorted(BY_SEVERITY) == sorted(CODES)
    assert {code for code, rule in CODES.items() if rule.is_style} == set(STYLE)


def test_the_page_names_the_codes_that_are_off_in_tests():
    assert {code for code, rule in CODES.items() if rule.is_off_in_tests} == {*STYLE, *IN_LOOP}
    costs = [code for code, rule in CODES.items() if rule.is_cost]
    page = Path(__file__).parents[2].joinpath("docs", "check.md").read_text("utf-8")
    assert f"they are off in tests, and so is {' and '.join(costs)}." in page


@pytest.mark.parametrize("code", STYLE)
def test_style_is_not_told_by_default(project, run_check, code):
    project.write(HEAD + STYLE[code])
    assert codes(run_check) == []
    assert code in codes(run_check, "--select", "SK")
    assert codes(run_check, "--extend-select", code) == [code]


@pytest.mark.parametrize("code", STYLE)
@pytest.mark.parametrize("settings", SETTINGS)
def test_style_is_told_where_a_project_has_settings(project, run_check, code, settings):
    text, is_told = SETTINGS[settings]
    project.write(text, "pyproject.toml")
    project.write(HEAD + STYLE[code])
    assert (code in codes(run_check)) is is_told


@pytest.mark.parametrize("code", STYLE)
def test_style_is_told_in_modules_that_use_a_decorator(project, run_check, code):
    used = "import sekisho as sk\n\n\n@sk.numpy_world\ndef g(x: np.ndarray):\n    return x\n\n\n"
    project.write(HEAD + used + STYLE[code], "adopted.py")
    project.write(HEAD + STYLE[code], "other.py")
    _, out, _ = run_check(".", "--format", "json")
    found = {(each["file"], each["code"]) for each in json.loads(out)["findings"]}
    assert ("adopted.py", code) in found
    assert "other.py" not in {file for file, _ in found}


IN_LOOP = {
    "SK104": "def f(x: torch.Tensor, n: int):\n    for i in range(n):\n        print(x.cuda()[i])\n"
}


@pytest.mark.parametrize("name", ["test_a.py", "a_test.py", "conftest.py", "tests/a.py"])
@pytest.mark.parametrize("code", STYLE | IN_LOOP)
def test_style_and_what_is_slow_are_not_told_in_tests(project, code, name):
    text = HEAD + (STYLE | IN_LOOP)[code]
    project.write(text, "a.py")
    assert [each.code for each in project.findings(code)] == [code]
    (project.folder / "a.py").unlink()
    project.write(text, name)
    assert project.findings(code) == []


SILENT = {
    "the normalising idiom": "def f(x):\n    if isinstance(x, torch.Tensor):\n        x = x.detach().cpu().numpy()\n"
    "    return np.sum(x)\n\n\nf(torch.ones(3))\n",
    "the other way": "def f(x):\n    if not isinstance(x, torch.Tensor):\n        x = torch.as_tensor(x)\n"
    "    return x.sum()\n\n\nf(np.ones(3))\n",
    "by torch.is_tensor": "def f(x):\n    if torch.is_tensor(x):\n        x = x.detach().cpu().numpy()\n"
    "    return np.sum(x)\n\n\nf(torch.ones(3))\n",
    "a value of an earlier turn": "def f(n):\n    for _ in range(n):\n        x = np.ones(3)\n        print(x)\n"
    "        x = [torch.as_tensor(x)]\n        for x in x:\n            print(x)\n",
    "an annotated union": "def f(x: np.ndarray | torch.Tensor):\n    return x + 1\n\n\n"
    "f(np.ones(3))\nf(torch.ones(3))\n",
    "an annotated union that is returned": "def f(n) -> np.ndarray | torch.Tensor:\n    if n:\n"
    "        return np.ones(3)\n    return torch.ones(3)\n",
    "a function that gives what it is given": "def f(x):\n    if isinstance(x, np.ndarray):\n"
    "        return np.exp(np.ones(3))\n    return torch.exp(torch.ones(3))\n",
    "a view in a loop": "def f(x: np.ndarray, n: int):\n    for i in range(n):\n        print(torch.from_numpy(x)[i])\n",
    "what is there already": "def f(x: torch.Tensor, n: int, device):\n    x = x.to(device)\n"
    "    for i in range(n):\n        print(x.to(device)[i])\n",
    "a word that ends like a library": "def f(n):\n    loss_np = torch.ones(n)\n    loss_nc = torch.ones(n)\n"
    "    return loss_np + loss_nc\n",
    **{
        f"a step in time: {step}": f"def f(n):\n    q_{step} = np.ones(n)\n    act_t = np.ones(n)\n"
        f"    return act_t + q_{step}\n"
        for step in ("tp1", "tm1", "t1", "t_1", "t_plus_1", "t_minus1")
    },
    **{
        f"an index beside another: {other}": f"def f(n):\n    m_t, {other} = np.ones(n), n\n"
        f"    return m_t + {other}\n"
        for other in ("p_m", "x_i", "w_a", "w_z")
    },
    "an ending of a library that is not imported": "def f(n):\n    f_cp = np.ones(n)\n    return f_cp\n",
    "an array that is any library's": "def f(n):\n    y_array = torch.ones(n)\n    return y_array\n",
    "a number": "def f(n):\n    y_t = np.cos(0.5)\n    return y_t\n",
}
SAYS_SO = ("to_numpy", "from_numpy", "as_tensor", "batch_to_torch", "ToTensor.__call__", "np2torch")


@pytest.mark.parametrize("name", SILENT)
def test_good_code_has_no_finding_of_style(project, name):
    project.write(HEAD + SILENT[name])
    found = {each.code for each in project.findings()} - {"SK103"}
    assert found == set()


@pytest.mark.parametrize("name", SAYS_SO)
def test_a_crossing_that_the_name_says_is_not_told(project, name):
    owner, _, last = name.rpartition(".")
    body = f"def {last}(self):\n    return self.x.detach().cpu().numpy()\n"
    text = f"class {owner}:\n    " + body.replace("\n    ", "\n        ") if owner else body
    project.write(HEAD + text)
    assert project.findings("SK103") == []


CERTAIN = {
    "an attribute": "torch.from_numpy(x.data)",
    "a subscript": "torch.from_numpy(x[0])",
    "what a call gives": "torch.from_numpy(x.load())",
    "anything": "torch.from_numpy(x)",
    "an attribute, out": "x.logits.detach().cpu().numpy()",
    "a subscript, out": "x['logits'].detach().cpu().numpy()",
    "what a call gives, out": "x.run().detach().numpy()",
    "without its gradient": "x.logits.cpu().numpy()",
    "a loop variable": "[each.detach().cpu().numpy() for each in x]",
}


@pytest.mark.parametrize("name", CERTAIN)
def test_a_crossing_that_is_certain_by_its_own_words_is_found(project, name):
    project.write(f"{HEAD}def f(x):\n    return {CERTAIN[name]}\n")
    assert [each.code for each in project.findings("SK103")] == ["SK103"]


def test_a_function_has_one_finding_for_its_crossings(project):
    project.write(
        HEAD
        + "def f(x, y):\n    a = torch.from_numpy(x)\n    b = torch.from_numpy(y)\n    return a, b.numpy()\n"
    )
    (finding,) = project.findings("SK103")
    assert finding.line == 5
    assert finding.message.endswith("and f declares no crossing: the first of 3")


def test_a_line_has_one_finding_and_it_is_the_worst(project):
    project.write(
        HEAD + "def f(x: np.ndarray):\n    x_np = x = torch.from_numpy(x) * np.ones(3) @ x\n"
    )
    lines = [each.line for each in project.findings()]
    assert len(lines) == len(set(lines))


def test_what_is_ignored_does_not_give_way_to_a_lesser_finding(project):
    project.write(
        HEAD
        + "def f(x: np.ndarray):\n    x = torch.from_numpy(x)  # sekisho: ignore[SK101]\n    return x\n"
    )
    assert project.codes() == []


@pytest.mark.parametrize(
    ("codes", "is_told"),
    [("SK101", False), ("sk101", False), ("sk103", True), ("SK103", True), ("sk102, sk103", True)],
)
def test_an_ignored_code_ignores_that_code_alone_in_either_case(project, codes, is_told):
    project.write(f"{HEAD}x = np.ones(3)\nx = torch.as_tensor(x)  # sekisho: ignore[{codes}]\n")
    assert bool(project.findings("SK101")) is is_told


def test_the_evidence_names_the_call_that_it_speaks_of(project):
    project.write(
        HEAD
        + "def f(x):\n    return x + 1\n\n\ndef g():\n    f(np.ones(3))\n    f(torch.ones(3))\n"
    )
    (finding,) = project.findings("SK106")
    assert [each.rpartition(":")[2] for each in finding.reason] == ["9", "10"]
