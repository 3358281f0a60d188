"""The command line works as in other linters: rule names, colours, stdin, files that git ignores."""

from __future__ import annotations

import io
import json
import subprocess
import sys

import pytest

from sekisho.findings import CODES, explain, read_settings, to_code
from sekisho.findings.finding import RULES

pytestmark = pytest.mark.usefixtures("torch")

LIE = "import torch\n\n\ndef f(n):\n    w_np = torch.ones(n)\n    return w_np\n"
RAISES = "import numpy as np\n\n\ndef g(n):\n    return np.ones(n).permute(1, 0)\n"


def codes_of(run_check, *options):
    return [
        each["code"] for each in json.loads(run_check(*options, "--format", "json")[1])["findings"]
    ]


# --- names of rules


def test_every_rule_has_a_name_of_its_own():
    assert len({rule.name for rule in RULES}) == len(RULES) == len(CODES)
    for rule in RULES:
        assert to_code(rule.name) == to_code(rule.code) == to_code(rule.code.lower()) == rule.code


@pytest.mark.parametrize("word", ["SK2", "", "misleading", "101", "SK1012", "wrong-libary"])
def test_a_word_that_is_no_rule_is_refused(word):
    with pytest.raises(ValueError, match="there is no code"):
        to_code(word)


def test_the_rule_that_was_meant_is_named():
    with pytest.raises(ValueError, match="Did you mean 'wrong-library'"):
        to_code("wrong-libary")


@pytest.mark.parametrize("word", ["SK102", "sk102", "misleading-name"])
@pytest.mark.parametrize("place", ["--select", "--ignore", "a comment", "the settings", "a file"])
def test_a_name_is_accepted_wherever_a_code_is(project, run_check, word, place):
    text = LIE
    options: list[str] = []
    if place == "a comment":
        text = LIE.replace("ones(n)", f"ones(n)  # sekisho: ignore[{word}]")
    elif place == "a file":
        text = f"# sekisho: ignore-file[{word}]\n{LIE}"
    elif place == "the settings":
        project.write(f"[tool.sekisho.check]\nignore = ['{word}']\n", "pyproject.toml")
    else:
        options = [place, word]
    project.write(text)
    assert codes_of(run_check, ".", *options) == (["SK102"] if place == "--select" else [])


def test_what_is_selected_beside_the_settings(project, run_check):
    project.write(LIE)
    project.write("[tool.sekisho.check]\nselect = ['SK107']\n", "pyproject.toml")
    assert codes_of(run_check, ".") == []
    assert codes_of(run_check, ".", "--extend-select", "misleading-name") == ["SK102"]
    project.write(
        "[tool.sekisho.check]\nselect = ['SK107']\nextend-select = ['SK102']\n", "pyproject.toml"
    )
    settings = read_settings([project.folder])
    assert (settings.select, settings.extend_select) == (("SK107",), ("SK102",))
    assert codes_of(run_check, ".") == ["SK102"]


# --- comments


@pytest.mark.parametrize(
    ("comment", "ignores"),
    [
        ("# noqa: SK102", True),
        ("# noqa:SK102", True),
        ("# NOQA: sk102", True),
        ("# noqa: E501, SK102", True),
        ("# noqa: E501 SK102", True),
        ("# type: ignore  # noqa: SK102 - on purpose", True),
        ("# noqa: SK103", False),
        ("# noqa: E501", False),
        ("# noqa", False),
        ("# sekisho: ignore", True),
        ("# sekisho: ignore[sk102]", True),
        ("# sekisho: ignore[sk103]", False),
        ("# sekisho: ignore[no-such-rule]", False),
        ("# sekisho: ignore[]", False),
        ("# sekisho: ignore-file[SK102]", False),
    ],
)
def test_which_comments_of_a_line_ignore(project, run_check, comment, ignores):
    project.write(LIE.replace("ones(n)", f"ones(n)  {comment}"))
    assert codes_of(run_check, ".") == ([] if ignores else ["SK102"])


@pytest.mark.parametrize("place", ["first", "last", "indented"])
@pytest.mark.parametrize(
    ("comment", "ignores"),
    [
        ("# sekisho: ignore-file", True),
        ("#sekisho:ignore-file", True),
        ("# sekisho: ignore-file[SK102]", True),
        ("# sekisho: ignore-file[SK10]", True),
        ("# sekisho: ignore-file[SK103]", False),
        ("# sekisho: ignore-files", False),
        ("x = '# sekisho: ignore-file'", False),
    ],
)
def test_a_comment_that_ignores_a_file(project, run_check, comment, ignores, place):
    text = {
        "first": f"{comment}\n{LIE}",
        "last": f"{LIE}{comment}\n",
        "indented": LIE.replace("    return", f"    {comment}\n    return"),
    }[place]
    project.write(text)
    assert codes_of(run_check, ".") == ([] if ignores else ["SK102"])


# --- what is printed


def test_errors_come_first_and_each_finding_has_its_line(project, run_check):
    project.write(LIE, "a.py")
    project.write(RAISES, "b.py")
    _, out, _ = run_check(".")
    lines = out.splitlines()
    assert lines[0].startswith("b.py:5:12: SK107 [wrong-library] ")
    assert lines[1] == "  5 |     return np.ones(n).permute(1, 0)"
    assert lines[2] == "    |            ^"
    lie = next(number for number, line in enumerate(lines) if line.startswith("a.py"))
    assert lines[lie + 1 : lie + 3] == ["  5 |     w_np = torch.ones(n)", "    |     ^"]


@pytest.mark.parametrize(
    ("line", "shown", "caret"),
    [
        ("\tw_np = torch.ones(n)", "    w_np = torch.ones(n)", 4),
        ("\t'é'; w_np = torch.ones(n)", "    'é'; w_np = torch.ones(n)", 9),
        ("\t'関'; w_np = torch.ones(n)", "    '関'; w_np = torch.ones(n)", 10),
        ("\t'\\x1b'; w_np = torch.ones(n)", "    '\\x1b'; w_np = torch.ones(n)", 12),
    ],
)
def test_the_caret_stands_under_what_was_found(project, run_check, line, shown, caret):
    project.write(f"import torch\ndef f(n):\n{line}\n\treturn w_np\n")
    lines = run_check(".")[1].splitlines()
    assert lines[1] == f"  3 | {shown}"
    assert lines[2] == f"    | {' ' * caret}^"


def test_a_column_counts_characters(project, run_check):
    project.write("import torch\ndef f(n):\n    '関所'; w_np = torch.ones(n)\n    return w_np\n")
    (finding,) = json.loads(run_check(".", "--format", "json")[1])["findings"]
    assert (finding["line"], finding["column"]) == (3, 11)


@pytest.mark.parametrize(
    ("variables", "is_terminal", "coloured"),
    [
        ({}, True, True),
        ({}, False, False),
        ({"NO_COLOR": "1"}, True, False),
        ({"NO_COLOR": ""}, True, True),
        ({"FORCE_COLOR": "1"}, False, True),
        ({"FORCE_COLOR": "1", "NO_COLOR": "1"}, True, False),
        ({"TERM": "dumb"}, True, False),
    ],
)
@pytest.mark.parametrize("format_", ["text", "json", "github", "sarif"])
def test_colours(project, run_check, monkeypatch, variables, is_terminal, coloured, format_):
    for name in ("NO_COLOR", "FORCE_COLOR", "TERM"):
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    project.write(LIE)
    monkeypatch.setattr(sys.stdout, "isatty", lambda: is_terminal)
    _, out, _ = run_check(".", "--format", format_)
    assert ("\x1b[" in out) is (coloured and format_ == "text")


def test_statistics(project, run_check):
    project.write(LIE + RAISES.replace("def g", "def h"), "a.py")
    project.write(RAISES, "b.py")
    status, out, _ = run_check(".", "--statistics")
    rows = [line.split()[:3] for line in out.splitlines()]
    assert (status, rows) == (
        1,
        [["2", "SK107", "wrong-library:"], ["1", "SK102", "misleading-name:"]],
    )


@pytest.mark.parametrize("rule", RULES)
def test_explain_prints_the_section_of_the_page(run_check, rule):
    for word in (rule.code, rule.name):
        status, out, _ = run_check("--explain", word)
        assert status == 0
        assert out.startswith(f"{rule.code} {rule.name}: {rule.title}\n\n")
        assert "```py\n" in out
        assert "\n## " not in out
    assert explain(rule.code)[1].startswith(explain(rule.code)[0][:20])


def test_a_file_for_the_output(project, run_check):
    project.write(LIE)
    assert run_check(".", "--output-file", "found.txt") == (1, "", "")
    assert (project.folder / "found.txt").read_text("utf-8").startswith("main.py:5:5: SK102")


@pytest.mark.parametrize("options", [(), ("-q",)])
def test_a_clean_run_says_how_many_files_were_read(project, run_check, options):
    project.write("x = 1\n")
    project.write("x = 1\n", "other.py")
    said = "" if options else "no findings in 2 files\n"
    assert run_check(*options) == (0, said, "")  # the current folder


# --- the exit status


@pytest.mark.parametrize(
    ("text", "options", "status"),
    [
        (LIE, (), 1),
        (LIE, ("--exit-zero",), 0),
        ("x = 1\n", (), 0),
        ("x = (\n", (), 1),
        ("x = (\n", ("--exit-zero",), 1),  # the file was not checked
        ("x = (\n", ("--write-baseline", "--baseline", "known"), 1),
        ("\0", (), 1),
    ],
)
def test_the_exit_status(project, run_check, text, options, status):
    project.write(text)
    assert run_check(".", *options)[0] == status


# --- standard input


def stdin(monkeypatch, data):
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(data)))


@pytest.mark.parametrize("exists", [True, False])
@pytest.mark.parametrize("name", [None, "shop/model.py"])
def test_standard_input_is_read_under_its_name(project, run_check, monkeypatch, name, exists):
    if exists:
        project.write("x = 1\n", name or "stdin.py")
    stdin(monkeypatch, LIE.encode())
    options = () if name is None else ("--stdin-filename", name)
    (finding,) = json.loads(run_check("-", *options, "--format", "json")[1])["findings"]
    assert (finding["file"], finding["line"]) == (name or "stdin.py", 5)


def test_standard_input_has_the_settings_of_its_path(project, run_check, monkeypatch):
    project.write(
        "[tool.sekisho.check.per-file-ignores]\n'tests/*' = ['SK102']\n", "pyproject.toml"
    )
    for name, found in (("tests/a.py", []), ("src/a.py", ["SK102"])):
        stdin(monkeypatch, LIE.encode())
        assert codes_of(run_check, "-", "--stdin-filename", name) == found


def test_standard_input_has_the_encoding_that_it_declares(project, run_check, monkeypatch):
    stdin(monkeypatch, f"# coding: latin-1\nx = 'é'\n{LIE}".encode("latin-1"))
    assert codes_of(run_check, "-") == ["SK102"]


def test_a_diff_of_standard_input(project, run_check, monkeypatch):
    pytest.importorskip("libcst")
    stdin(monkeypatch, LIE.encode())
    assert "+    w_tensor = torch.ones(n)\n" in run_check("-", "--diff")[1]
    stdin(monkeypatch, LIE.encode())
    status, _, err = run_check("-", "--fix")
    assert (status, "standard input cannot be written into: add --diff" in err) == (2, True)


# --- what git ignores


def git(folder, *words):
    subprocess.run(["git", "-C", folder, *words], check=True, capture_output=True)


def test_what_git_ignores_is_not_read(project, run_check):
    git(project.folder, "init", "-q")
    project.write("made/\n*_pb2.py\n/local.py\n!kept_pb2.py\n", ".gitignore")
    for name in ("a.py", "made/b.py", "sub/made/c.py", "sub/x_pb2.py", "kept_pb2.py", "local.py"):
        project.write(LIE, name)
    project.write(LIE, "sub/local.py")
    project.write("deep.py\n", "sub/.gitignore")
    project.write(LIE, "sub/deep.py")
    found = json.loads(run_check(".", "--format", "json")[1])["findings"]
    assert sorted(each["file"] for each in found) == ["a.py", "kept_pb2.py", "sub/local.py"]
    assert codes_of(run_check, "sub/deep.py") == ["SK102"]  # it was named explicitly
    found = json.loads(run_check("sub", "--format", "json")[1])["findings"]
    assert [each["file"] for each in found] == ["sub/local.py"]


@pytest.mark.parametrize("state", ["no git", "no repository"])
def test_without_git_nothing_is_ignored(project, run_check, monkeypatch, state):
    if state == "no git":
        git(project.folder, "init", "-q")
        monkeypatch.setenv("PATH", "")
    project.write("*.py\n", ".gitignore")
    project.write(LIE)
    assert codes_of(run_check, ".") == ["SK102"]


def test_a_name_with_odd_characters_is_ignored_too(project, run_check):
    git(project.folder, "init", "-q")
    project.write("odd*\n", ".gitignore")
    for name in ("odd é.py", "odd\n.py", 'odd".py'):
        project.write(LIE, name)
    assert run_check(".") == (0, "no findings in 0 files\n", "")


# --- options beside each other


@pytest.mark.parametrize("change", ["--fix", "--add-ignore", "--diff"])
@pytest.mark.parametrize(
    "options", [("--format", "json"), ("--output-file", "x"), ("--statistics",), ("--exit-zero",)]
)
def test_an_option_that_would_say_nothing_is_refused(project, run_check, change, options):
    path = project.write(LIE)
    status, _, err = run_check(".", change, *options)
    assert (status, f"{options[0]} does not go with --fix" in err) == (2, True)
    assert path.read_text("utf-8") == LIE


def test_statistics_are_text(project, run_check):
    status, _, err = run_check(".", "--statistics", "--format", "json")
    assert (status, "--statistics prints text" in err) == (2, True)


def test_select_reports_only_what_it_names(project, run_check):
    project.write("[tool.sekisho.check]\nextend-select = ['SK102']\n", "pyproject.toml")
    project.write(LIE + RAISES)
    assert codes_of(run_check, ".", "--select", "SK107") == ["SK107"]
    both = codes_of(run_check, ".", "--select", "SK107", "--extend-select", "SK102")
    assert sorted(both) == ["SK102", "SK107"]


def test_closed_standard_input_is_said(project, run_check, monkeypatch):
    monkeypatch.setattr(sys, "stdin", None)
    assert run_check("-")[2].endswith("error: standard input is closed\n")


def test_a_comment_for_one_code_leaves_the_others_of_its_line(project, run_check):
    text = "import numpy as np\nimport torch\n\n\ndef f(n):\n    w_np = torch.ones(n); np.ones(n).permute(1){}\n    return w_np\n"
    project.write(text.format(""))
    assert codes_of(run_check, ".") == ["SK107"]  # one finding for each line: the worst
    project.write(text.format("  # sekisho: ignore[SK107]"))
    assert codes_of(run_check, ".") == codes_of(run_check, ".", "--ignore", "SK107") == ["SK102"]


def test_a_line_of_a_notebook_has_its_number_in_the_cell(project, run_check):
    cells = [
        {"cell_type": "code", "source": "import torch\n\nx = 1\n", "metadata": {}, "outputs": []},
        {
            "cell_type": "code",
            "source": "y = 1\nw_np = torch.ones(3)\n",
            "metadata": {},
            "outputs": [],
        },
    ]
    project.write(json.dumps({"cells": cells, "nbformat": 4, "metadata": {}}), "a.ipynb")
    lines = run_check(".")[1].splitlines()
    assert lines[0].startswith("a.ipynb:cell 2:2:1: SK102")
    assert lines[1] == "  2 | w_np = torch.ones(3)"


# --- what is written, and where


@pytest.mark.parametrize("character", ["\f", "\x1c", "\x1d", "\u2028", "\x85"])
def test_a_diff_can_be_applied(project, run_check, character):
    pytest.importorskip("libcst")
    text = LIE.replace("def f", f"# one{character}two\ndef f")
    path = project.write(text)
    git(project.folder, "init", "-q")
    diff = run_check("main.py", "--diff")[1]
    command = ["git", "-C", project.folder, "apply", "-p0", "-"]
    subprocess.run(command, input=diff.encode(), check=True)
    assert path.read_bytes() == text.replace("w_np", "w_tensor").encode()


def test_git_is_asked_about_the_file_that_a_link_leads_to(project, run_check, tmp_path_factory):
    pytest.importorskip("libcst")
    other = tmp_path_factory.mktemp("elsewhere") / "real.py"
    other.write_text(LIE, "utf-8")
    (project.folder / "main.py").symlink_to(other)
    git(project.folder, "init", "-q")
    git(project.folder, "add", ".")
    git(project.folder, "-c", "user.name=a", "-c", "user.email=a@b", "commit", "-qm", "first")
    status, _, err = run_check("main.py", "--fix", forced=False)
    assert (status, "in no git repository" in err) == (2, True)
    assert other.read_text("utf-8") == LIE


def test_a_hook_of_git_asks_about_the_folder(project, run_check, monkeypatch):
    """In a hook of a linked worktree, git sets absolute paths, which would apply to every folder."""
    git(project.folder, "init", "-q")
    project.write("made.py\n", "sub/.gitignore")
    project.write(LIE, "sub/made.py")
    monkeypatch.setenv("GIT_DIR", str(project.folder / ".git"))
    assert run_check("sub") == (0, "no findings in 0 files\n", "")
