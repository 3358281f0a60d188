"""For each rule: what can be done about its finding, and that it is done then."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from editor_client import applied

from sekisho.findings import CODES, check, edits_of, read_settings
from sekisho.inference import solve

pytest.importorskip("torch")
pytest.importorskip("libcst")

PAGE = (Path(__file__).parents[2] / "docs" / "check.md").read_text("utf-8")
SECTIONS = dict(re.findall(r"^## (SK\d+) [\w-]+\n(.*?)(?=^## |\Z)", PAGE, re.MULTILINE | re.DOTALL))
HEAD = "import numpy as np\nimport sekisho as sk\nfrom jaxtyping import Float\n"


def edits(action):
    (change,) = action["edit"]["documentChanges"]
    return change["edits"]


def found(client, uri):
    return [(each["code"], each["range"]["start"]["line"]) for each in client.pull(uri)["items"]]


def quick_fixes(client, uri, line):
    return client.actions(uri, line, only=["quickfix"])


@pytest.mark.parametrize("code", CODES)
def test_each_action_of_a_finding_ends_it_and_what_check_can_fix_is_preferred(
    write, editor, tmp_path, code
):
    text = re.findall(r"```py\n(.*?)```", SECTIONS[code], re.DOTALL)[0]
    write("[tool.sekisho.check]\n", "pyproject.toml")
    path = write(text)
    client = editor()
    uri = client.read()
    line = next(line for name, line in found(client, uri) if name == code)
    count = found(client, uri).count((code, line))
    actions = quick_fixes(client, uri, line)
    assert actions
    for each in actions:
        assert [one["code"] for one in each["diagnostics"]] == [code]
        after = applied(text, edits(each))
        client.change(uri, after)
        assert found(client, uri).count((code, line)) < count
    preferred = [each for each in actions if each.get("isPreferred")]
    solution = solve([path])
    findings = check(solution, read_settings([tmp_path]))
    files = solution.program.files.values()
    fixed, _ = edits_of(files, findings, fixes=True, ignores=False)
    for each in fixed:
        assert [applied(text, edits(one)) for one in preferred] == [each.change.after.decode()]


COMMENTS = [
    ("x = 1  # sekisho: ignore", "x = 1", "the comment"),
    ("x = 1  # sekisho: ignore[SK102]", "x = 1", "the comment"),
    ("x = 1  # sekisho: ignore[misleading-name]", "x = 1", "the comment"),
    ("x = 1  # sekisho: ignore[]", "x = 1", "the comment"),
    ("x = 1  # sekisho: ignore[SK102, SK103]", "x = 1", "the comment"),
    ("x = 1  # sekisho: ignore[SK102] it is so", "x = 1  # it is so", "the comment"),
    ("x = 1  # type: int  # sekisho: ignore[SK102]", "x = 1  # type: int", "the comment"),
    ("x = 1  # sekisho: ignore[SK102]  # noqa: E501", "x = 1  # noqa: E501", "the comment"),
    ("x = 1  # noqa: E501, SK102", "x = 1  # noqa: E501", "the comment"),
    ("x = 1  # noqa: SK102", "x = 1", "the comment"),
    ("# sekisho: ignore-file[SK102]\nx = 1", "x = 1", "the comment"),
    ("# sekisho: ignore-file\nx = 1", "x = 1", "the comment"),
    ("# sekisho: ignore[SK102]\nx = 1", "x = 1", "the comment"),
    (
        "x_jax = np.ones(3)  # sekisho: ignore[SK102, SK103]",
        "x_jax = np.ones(3)  # sekisho: ignore[SK102]",
        "SK103 from the comment",
    ),
    (
        "x_jax = np.ones(3)  # noqa: SK103, E501, SK102",
        "x_jax = np.ones(3)  # noqa: E501, SK102",
        "SK103 from the comment",
    ),
    ("s = '''\n# 日本 😀'''  # sekisho: ignore[SK102]", "s = '''\n# 日本 😀'''", "the comment"),
]


@pytest.mark.parametrize(("before", "after", "what"), COMMENTS)
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_what_ignores_nothing_is_removed(write, editor, before, after, what, end):
    write("[tool.sekisho.check]\n", "pyproject.toml")
    text = f"{HEAD}{before}\nprint(0)\n".replace("\n", end)
    client = editor()
    uri = client.open("main.py", text)
    ((code, line),) = found(client, uri)
    assert code == "SK112"
    (action,) = quick_fixes(client, uri, line)
    assert action["title"] == f"Remove {what}"
    assert action["isPreferred"]
    for each in edits(action):  # whole lines
        assert each["range"]["start"]["character"] == 0
    expected = f"{HEAD}{after}\nprint(0)\n".replace("\n", end)
    assert applied(text, edits(action)) == expected
    client.change(uri, expected)
    assert found(client, uri) == []
