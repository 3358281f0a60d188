from __future__ import annotations

import json
import subprocess
import sys
from importlib.util import find_spec

import pytest
from editor_client import span

from sekisho.findings import CODES, find_page

WRONG = """
    import numpy as np


    def give():
        ones = np.ones(3)
        ones_jax = np.zeros(3)
        return ones + ones_jax
"""
MESSAGE = (
    "ones_jax is a NumPy array: np.zeros, and its name says JAX [misleading-name]\n"
    "help: call it ones_np"
)


def codes(diagnostics):
    return [(each["code"], each["range"]["start"]["line"]) for each in diagnostics]


def test_a_diagnostic_has_the_code_the_severity_the_help_and_the_page_of_check(write, editor):
    write(WRONG)
    client = editor()
    uri = client.open("main.py")
    assert client.diagnostics(uri) == [
        {
            "range": span(5, 4, 5, 12),
            "message": MESSAGE,
            "severity": 2,
            "code": "SK102",
            "codeDescription": {"href": f"{find_page().as_uri()}#sk102-misleading-name"},
            "source": "sekisho",
        }
    ]


def test_an_error_of_check_is_an_error_and_its_reasons_name_files_from_the_folder(write, editor):
    pytest.importorskip("torch")
    write(
        """
        import numpy as np
        import torch


        def twice(x: np.ndarray):
            return x * torch.ones(3)


        def call():
            return twice(np.zeros(3))
        """
    )
    client = editor()
    found = client.pull(client.open("main.py"))["items"]
    assert [(each["severity"], each["code"]) for each in found] == [(1, "SK107")]
    assert found[0]["message"] == (
        "x * a tensor is a NumPy array * a tensor: it raises [wrong-library]\n"
        "x is a NumPy array as called at main.py:10\n"
        "help: convert one of them: sekisho.to_numpy(...)"
    )


def test_findings_are_those_of_check(write, editor, tmp_path, editor_cache):
    write(WRONG)
    write("[tool.sekisho.check]\nextend-select = ['SK101']\nignore = ['SK104']\n", "pyproject.toml")
    write(
        """
        import numpy as np
        from helping import give


        def one(n):
            x_jax = give(n)  # sekisho: ignore[SK102]
            y_jax = give(n)
            return x_jax, y_jax
        """,
        "more.py",
    )
    write("import numpy as np\n\n\ndef give(n):\n    return np.ones(n)\n", "helping.py")
    client = editor()
    found = [
        (each["code"], name, each["range"]["start"]["line"] + 1)
        for name in ("main.py", "more.py")
        for each in client.pull(client.open(name))["items"]
    ]
    command = [sys.executable, "-m", "sekisho", "check", ".", "--format", "json"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    told = [
        (each["code"], each["file"], each["line"]) for each in json.loads(done.stdout)["findings"]
    ]
    assert found == told
    assert len(found) == 2


def test_a_buffer_counts_before_it_is_saved_in_other_files_too(write, editor):
    write("def give():\n    return 1\n", "helping.py")
    write(
        """
        from helping import give


        def take():
            x_jax = give()
            return x_jax
        """
    )
    client = editor()
    main = client.open("main.py")
    helping = client.open("helping.py")
    assert client.pull(main)["items"] == []
    client.change(helping, "import numpy as np\n\n\ndef give():\n    return np.ones(3)\n")
    assert codes(client.diagnostics(main)) == [("SK102", 4)]
    client.close(helping)
    assert client.diagnostics(main) == []


def test_what_does_not_parse_keeps_its_last_reading_and_its_lines_move(write, editor):
    write(WRONG)
    client = editor()
    uri = client.open("main.py")
    assert codes(client.diagnostics(uri)) == [("SK102", 5)]
    client.change(uri, (0, 0, 0, 0, "\n\ndef broken(:\n"))
    assert codes(client.diagnostics(uri)) == [("SK102", 8)]
    assert "np.zeros" in client.hover(uri, 8, 6)
    client.change(uri, (2, 0, 3, 0, ""))
    assert codes(client.diagnostics(uri)) == [("SK102", 7)]


def test_a_line_that_is_typed_in_has_no_diagnostic_until_it_parses(write, editor):
    write(WRONG)
    client = editor()
    uri = client.open("main.py")
    client.diagnostics(uri)
    client.change(uri, (5, 0, 5, 0, "    ) "))
    assert client.diagnostics(uri) == []


def test_closing_a_file_withdraws_what_was_said_of_it(write, editor):
    write(WRONG)
    client = editor()
    uri = client.open("main.py")
    assert client.diagnostics(uri)
    client.close(uri)
    assert client.diagnostics(uri) == []


def test_a_client_that_pulls_is_sent_nothing_and_what_has_not_changed_is_not_sent_again(
    write, editor
):
    write(WRONG)
    client = editor(capabilities={"textDocument": {"diagnostic": {}}})
    uri = client.open("main.py")
    first = client.pull(uri)
    assert first["kind"] == "full"
    assert codes(first["items"]) == [("SK102", 5)]
    again = client.pull(uri, previousResultId=first["resultId"])
    assert again == {"kind": "unchanged", "resultId": first["resultId"]}
    client.change(uri, (5, 0, 6, 0, "    ones_jax = 1\n"))
    assert client.pull(uri, previousResultId=first["resultId"])["items"] == []
    pushed = [each["method"] for each in client.notifications]
    assert "textDocument/publishDiagnostics" not in pushed


def test_the_whole_workspace_is_told_of_files_that_are_not_open(write, editor, tmp_path):
    write(WRONG)
    write(WRONG, "inside/more.py")
    write("x = 1\n", "fine.py")
    client = editor()
    uri = client.open("main.py")
    client.change(uri, (0, 0, 0, 0, "\n"))
    found = client.request("workspace/diagnostic", previousResultIds=[])["items"]
    lines = {each["uri"].rpartition("/")[2]: codes(each["items"]) for each in found}
    assert lines == {"main.py": [("SK102", 6)], "more.py": [("SK102", 5)]}
    before = [{"uri": each["uri"], "value": each["resultId"]} for each in found]
    again = client.request("workspace/diagnostic", previousResultIds=before)["items"]
    assert {each["kind"] for each in again} == {"unchanged"}
    (tmp_path / "inside" / "more.py").write_text("x = 1\n")
    client.notify("workspace/didChangeWatchedFiles", changes=[])
    again = client.request("workspace/diagnostic", previousResultIds=before)["items"]
    told = {each["uri"].rpartition("/")[2]: each.get("items") for each in again}
    assert told == {"main.py": None, "more.py": []}


def test_settings_that_are_wrong_are_said_once_and_the_default_holds(write, editor):
    write(WRONG)
    write("[tool.sekisho.check]\nignore = ['SK999']\n", "pyproject.toml")
    client = editor()
    uri = client.open("main.py")
    shown = client.wait_for("window/showMessage")["message"]
    assert "there is no code 'SK999'" in shown
    assert codes(client.pull(uri)["items"]) == [("SK102", 5)]
    client.change(uri, (0, 0, 0, 0, "\n"))
    client.pull(uri)
    assert "window/showMessage" not in [each["method"] for each in client.notifications]


@pytest.mark.skipif(find_spec("cupy") is not None, reason="CuPy is the library that is missing")
def test_a_library_that_is_not_installed_is_named_once(write, editor):
    write("import cupy\n")
    client = editor()
    uri = client.open("main.py")
    shown = client.wait_for("window/showMessage")["message"]
    assert shown.startswith("sekisho: cupy is imported, but not installed in ")
    client.change(uri, (0, 0, 0, 0, "\n"))
    client.pull(uri)
    assert "window/showMessage" not in [each["method"] for each in client.notifications]


def test_settings_are_read_again_when_their_file_changes(write, editor):
    write(WRONG)
    client = editor()
    uri = client.open("main.py")
    assert client.diagnostics(uri)
    write("[tool.sekisho.check]\nignore = ['SK102']\n", "pyproject.toml")
    client.notify("workspace/didChangeWatchedFiles", changes=[])
    assert client.diagnostics(uri) == []


def test_a_baseline_leaves_out_what_was_known(write, editor):
    write(WRONG)
    rows = [["main.py", "SK102", "give", "ones_jax", 1]]
    write(json.dumps({"findings": rows}), "known.json")
    write("[tool.sekisho.check]\nbaseline = 'known.json'\n", "pyproject.toml")
    client = editor()
    assert client.pull(client.open("main.py"))["items"] == []


def test_the_first_reading_shows_progress_and_the_loop_answers_meanwhile(write, editor):
    for number in range(60):
        write(WRONG, f"part{number}.py")
    write(WRONG)
    client = editor(capabilities={"window": {"workDoneProgress": True}})
    uri = client.open("main.py")
    asked = client.start_request("textDocument/diagnostic", textDocument={"uri": uri})
    assert client.hover(uri, 5, 6) is None or "np.zeros" in client.hover(uri, 5, 6)
    begin = client.wait_for("$/progress", lambda params: params["value"]["kind"] == "begin")
    assert begin["value"]["message"] == "reading the project"
    end = client.wait_for("$/progress", lambda params: params["value"]["kind"] == "end")
    assert end["token"] == begin["token"]
    assert codes(client.finish(asked)["items"]) == [("SK102", 5)]


@pytest.mark.parametrize("code", sorted(CODES))
def test_each_rule_has_a_section_that_the_link_leads_to(code):
    rule = CODES[code]
    assert f"\n## {rule.code} {rule.name}\n" in find_page().read_text("utf-8")
