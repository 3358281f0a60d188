"""Comments that ignore findings: where they count, and how ``check --add-ignore`` writes them."""

from __future__ import annotations

import ast
import json
import random
import sysconfig
from pathlib import Path

import pytest

from sekisho.code import read_file
from sekisho.findings import Finding
from sekisho.findings.ignoring import with_ignores
from sekisho.utils import parse

pytestmark = pytest.mark.usefixtures("torch")


def finding(line, code="SK103"):
    return Finding("main.py", f"main.py:{line}", line, 1, code, "")


# --- where a comment counts


@pytest.mark.parametrize(
    ("comment", "ignored"),
    [
        ("# sekisho: ignore", True),
        ("#sekisho:ignore", True),
        ("# sekisho: ignore[SK102]", True),
        ("# sekisho: ignore [SK102]", True),
        ("# sekisho: ignore[sk102]", True),
        ("# sekisho: ignore[SK1]", True),
        ("# noqa  # sekisho: ignore[SK101,SK102]  # why", True),
        ("# sekisho: ignore[SK101]", False),
        ("# sekisho: ignore[sk103]", False),
        ("# sekisho: ignore[]", False),
        ("# sekisho: ignored", False),
        ("; s = '# sekisho: ignore'", False),
    ],
)
def test_what_a_comment_ignores(project, comment, ignored):
    project.write(f"import torch\nw_np = torch.ones(3)  {comment}\n")
    assert bool(project.findings("SK102")) is not ignored


@pytest.mark.parametrize(
    "text",
    [
        "w_np = \\\n    torch.ones(3)  # sekisho: ignore",
        "w_np = torch.ones(3, dtype='''a\n''')  # sekisho: ignore",
        "w_np = torch.ones(f'''{3\n}''', 3)  # sekisho: ignore",
        "w_np = torch.ones(  # sekisho: ignore\n    3\n)",
        "x = 1; \\\nw_np = torch.ones(3); '''\n# sekisho: ignore''' ; y = 2 # sekisho: ignore",
    ],
)
def test_a_line_that_cannot_end_in_a_comment_is_ignored_where_it_ends(project, text):
    path = project.write(f"import torch\n{text}\n")
    assert project.findings("SK102") == []
    path.write_text(path.read_text("utf-8").replace("# sekisho: ignore", "", 9), "utf-8")
    assert len(project.findings("SK102")) == 1


# --- how it is written


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("x = 1", "x = 1  # sekisho: ignore[SK103]"),
        ("x = 1 \t", "x = 1  # sekisho: ignore[SK103]"),
        ("x = 1  # noqa: E501", "x = 1  # noqa: E501  # sekisho: ignore[SK103]"),
        ("x = 1 # sekisho: ignore[SK101] why", "x = 1 # sekisho: ignore[SK101, SK103] why"),
        ("x = 1  # sekisho:ignore[ sk101 ]", "x = 1  # sekisho: ignore[SK101, SK103]"),
        ("x = 1  # sekisho: ignore[]", "x = 1  # sekisho: ignore[SK103]"),
        (
            "x = '# sekisho: ignore[SK101]'",
            "x = '# sekisho: ignore[SK101]'  # sekisho: ignore[SK103]",
        ),
        (
            "x = '# sekisho: ignore[SK1]'  # sekisho: ignore[SK2]",
            "x = '# sekisho: ignore[SK1]'  # sekisho: ignore[SK2, SK103]",
        ),
        ("x = \\\n  1", "x = \\\n  1  # sekisho: ignore[SK103]"),
        ("x = '''\n  # a''' ", "x = '''\n  # a'''  # sekisho: ignore[SK103]"),
        ("x = [\n]", "x = [  # sekisho: ignore[SK103]\n]"),
    ],
)
@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("end", ["", "\n", "\n# é\n"])
def test_a_comment_is_added_or_its_code_to_the_one_there(before, after, newline, end):
    before, after = ((text + end).replace("\n", newline) for text in (before, after))
    assert with_ignores(before, [finding(1)]) == after
    assert with_ignores(before, [finding(1)] * 2) == after


def test_several_codes_share_a_comment():
    found = [finding(1, "SK103"), finding(2, "SK101"), finding(1, "SK106")]
    assert with_ignores("x = 1\ny = 2\n", found) == (
        "x = 1  # sekisho: ignore[SK103, SK106]\ny = 2  # sekisho: ignore[SK101]\n"
    )


def test_on_any_line_of_code_that_nobody_here_wrote_it_changes_nothing_else():
    files = sorted(Path(sysconfig.get_path("stdlib")).glob("*.py"))
    chosen = random.Random(33)
    for path in chosen.sample(files, 15):
        file = read_file(path)
        count = file.text.count("\n")
        lines = chosen.sample(range(1, count + 1), min(count, 50))
        written = with_ignores(file.decode(), [finding(line) for line in lines])
        assert ast.dump(parse(written), include_attributes=True) == ast.dump(
            parse(file.text), include_attributes=True
        ), path


LIE = "import torch\n\n\ndef f(n):\n    w_np = torch.ones(n)\n    return w_np\n"
CROSSES = "\n\ndef g(x):\n    return torch.ones(x).numpy()\n"


def test_add_ignore_is_a_diff_unless_it_is_to_write(project, run_check):
    path = project.write(LIE + CROSSES)
    status, out, err = run_check("main.py", "--add-ignore", "--diff", "--select", "SK")
    assert (status, err) == (1, "2 of 2 findings can be ignored\n")
    assert "+    return torch.ones(x).numpy()  # sekisho: ignore[SK103]\n" in out
    assert path.read_text("utf-8") == LIE + CROSSES
    assert run_check("main.py", "--add-ignore", "--select", "SK") == (
        0,
        "",
        "2 of 2 findings ignored\n",
    )
    assert path.read_text("utf-8") == (LIE + CROSSES).replace(
        "ones(n)", "ones(n)  # sekisho: ignore[SK102]"
    ).replace("numpy()", "numpy()  # sekisho: ignore[SK103]")
    assert run_check("main.py", "--select", "SK") == (0, "no findings in 1 file\n", "")
    assert run_check("main.py", "--add-ignore", "--select", "SK")[2] == "0 of 0 findings ignored\n"


def test_fix_mends_first_and_add_ignore_ignores_the_rest(project, run_check):
    pytest.importorskip("libcst")
    path = project.write(LIE + CROSSES)
    assert run_check("main.py", "--fix", "--add-ignore", "--select", "SK") == (
        0,
        "",
        "1 of 2 findings mended, 1 of 2 findings ignored\n",
    )
    assert path.read_text("utf-8") == (LIE + CROSSES).replace("w_np", "w_tensor").replace(
        "numpy()", "numpy()  # sekisho: ignore[SK103]"
    )
    assert run_check("main.py", "--select", "SK") == (0, "no findings in 1 file\n", "")


def test_what_is_selected_or_in_a_baseline_decides_what_is_ignored(project, run_check):
    path = project.write(LIE + CROSSES)
    run_check("main.py", "--select", "SK102", "--baseline", "known", "--write-baseline")
    status, _, err = run_check("main.py", "--add-ignore", "--baseline", "known", "--select", "SK")
    assert (status, err) == (0, "1 of 1 findings ignored\n")
    assert path.read_text("utf-8").count("# sekisho") == 1


def test_nothing_is_written_into_a_notebook(project, run_check):
    cells = [{"cell_type": "code", "source": LIE}]
    path = project.write(json.dumps({"cells": cells}), "a.ipynb")
    before = path.read_bytes()
    for option in ("--add-ignore", "--fix"):
        status, _, err = run_check(".", option)
        assert status == 1
        assert err.startswith(
            "sekisho: left alone: a.ipynb: nothing is written into notebooks\n0 of 1 findings "
        )
    assert path.read_bytes() == before


@pytest.mark.parametrize(
    ("cookie", "word"),
    [("utf-7", b"+AGE-"), ("unicode_escape", b"\\x61"), ("iso2022_jp", b"\x1b(B\x1b(B")],
)
def test_a_file_whose_encoding_would_not_give_its_bytes_again_is_left_alone(
    project, run_check, cookie, word
):
    path = project.folder / "main.py"
    data = f"# coding: {cookie}\n".encode() + LIE.encode() + b"# " + word + b"\n"
    path.write_bytes(data)
    status, _, err = run_check("main.py", "--add-ignore")
    assert path.read_bytes() == data
    assert status == 1
    assert "has several ways to write it\n0 of 1 findings ignored\n" in err


# --- comments that ignore nothing

UNUSED = "this comment ignores nothing"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("x = 1  # sekisho: ignore", [(2, UNUSED)]),
        ("x = 1  # sekisho: ignore[SK103]", [(2, UNUSED)]),
        ("x = 1  # sekisho: ignore[]", [(2, UNUSED)]),
        ("x = 1  # sekisho: ignore[undeclared-crossing]", [(2, UNUSED)]),
        ("x = 1  # noqa: E501, SK103", [(2, UNUSED)]),
        ("# sekisho: ignore-file[SK104]", [(2, UNUSED)]),
        (
            "w_np = torch.ones(3)  # sekisho: ignore[SK102, SK107]",
            [(2, "this comment ignores no SK107")],
        ),
        ("w_np = torch.ones(3)  # sekisho: ignore[SK102]", []),
        ("w_np = torch.ones(3)  # sekisho: ignore", []),
        ("w_np = torch.ones(3)  # noqa: SK102", []),
        ("# sekisho: ignore-file[SK102]\nw_np = torch.ones(3)", []),
        ("x = 1  # noqa: E501", []),
        ("x = '# sekisho: ignore'", []),
        ("x = 1  # sekisho: ignore[SK103, SK112]", []),
    ],
)
def test_a_comment_that_ignores_nothing_is_told(project, text, told):
    project.write(f"import torch\n{text}\n")
    assert [(each.line, each.message) for each in project.findings("SK112")] == told


def test_a_comment_is_used_by_what_is_not_selected(project, run_check):
    project.write(
        "import torch\ndef f(x):\n    return x.detach().cpu().numpy()  # sekisho: ignore[SK103]\n"
    )
    assert run_check(".", "--select", "SK112")[0] == 0


def test_a_comment_in_a_test_is_not_told(project):
    project.write("x = 1  # sekisho: ignore\n", "test_it.py")
    assert project.findings("SK112") == []
