"""``check --fix`` writes only edits that cannot change what a program does, and damages no file."""

from __future__ import annotations

import ast
import os
import re
import signal
import subprocess
import sys
import textwrap
import time

import pytest

from sekisho.__main__ import main
from sekisho.writing import find_journal

pytestmark = pytest.mark.usefixtures("torch")
cst = pytest.importorskip("libcst")

LIE = "import torch\n\n\ndef f(n):\n    w_np = torch.ones(n)\n    return w_np\n"


# --- what is renamed, and what is not


SEEN_ELSEWHERE = {
    "global": "global w_np\n    w_np = torch.ones(n)",
    "locals": "w_np = torch.ones(n)\n    print(locals())",
    "vars": "w_np = torch.ones(n)\n    print(vars())",
    "eval": "w_np = torch.ones(n)\n    print(eval('1'))",
    "exec": "w_np = torch.ones(n)\n    exec('print(n)')",
    "frame": "w_np = torch.ones(n)\n    import sys\n    print(sys._getframe().f_locals)",
    "f-string": "w_np = torch.ones(n)\n    print(f'{w_np=}')",
    "string": "w_np = torch.ones(n)\n    n.query('@w_np > 0')",
    "strings": "w_np = torch.ones(n)\n    n.query(['@w_np > 0', 'a'])",
    "docstring": "'w_np is what f gives.'\n    w_np = torch.ones(n)",
    "class": "w_np = torch.ones(n)\n    class A:\n        w_np = 2\n    print(A)",
    "lambda's parameter": "w_np = torch.ones(n)\n    print(lambda w_np: w_np)",
    "lambda": "w_np = torch.ones(n)\n    print(lambda: w_np)",
    "a global of the new name": "w_np = torch.ones(n)\n    print(w_tensor)",
    "a module of that name": "w_np = torch.ones(n)\n    import w_np",
}


@pytest.mark.parametrize("body", SEEN_ELSEWHERE.values(), ids=SEEN_ELSEWHERE)
def test_a_name_that_something_else_may_see_is_not_renamed(project, run_check, body):
    text = f"import torch\nw_tensor = 1\n\n\ndef f(n):\n    {body}\n    return w_np\n"
    ast.parse(text)
    path = project.write(text)
    run_check("main.py", "--fix")
    assert path.read_text("utf-8") == text


def test_why_a_name_is_not_renamed_is_said(project, run_check):
    body = SEEN_ELSEWHERE["string"]
    project.write(f"import torch\n\n\ndef f(n):\n    {body}\n    return w_np\n")
    status, _, err = run_check("main.py", "--fix")
    assert status == 1
    assert err == (
        "sekisho: not renamed: main.py:4: a string in the function mentions w_np\n"
        "0 of 1 findings mended\n"
    )


@pytest.mark.parametrize(
    "body",
    [
        "w_np = torch.ones(n)\n    print([w_np for _ in n], {w_np: n}, f'{w_np}')",
        "w_np = torch.ones(n)\n    w_np += 1\n    n(w_np=w_np).w_np = w_np",
        "w_np = torch.ones(n)\n    del w_np\n    w_np = torch.ones(n)",
        "w_np: torch.Tensor = torch.ones(n)\n    assert w_np.all(), 0.0",
        "w_np = torch.ones(n)\n    if (m := n):\n        return w_np[m], float('nan'), -0.0",
    ],
)
def test_a_local_variable_is_renamed_wherever_it_stands(project, run_check, body):
    text = f"import torch\n\n\ndef f(n):\n    {body}\n    return w_np\n"
    path = project.write(text)
    status, _, err = run_check("main.py", "--fix", "--select", "SK102")
    done = path.read_text("utf-8")
    if "w_np for" in body and sys.version_info < (3, 12):
        # There the comprehension is a function of its own, which closes over the name.
        assert done == text
        return
    assert (status, err) == (0, "1 of 1 findings mended\n")
    assert not re.search(r"(?<!\.)\bw_np\b(?!=)", done)


# --- what is only suggested


HEAD = """
    import numpy as np
    import torch
    import sekisho
    from concurrent.futures import Future
    from dataclasses import dataclass
    from jaxtyping import Float
    from typing import Optional, Union

    Arr = np.ndarray | torch.Tensor
    Sets = set[np.ndarray]


    @dataclass
    class Record:
        inner: Sets


"""
USES = [
    "def f(x{0}):\n    return torch.from_numpy(np.ones(3))\n",
    "def f(x{0}) -> np.ndarray:\n    y = torch.ones(3)\n    return y.numpy()\n",
    "def f(x{0}):\n    return x + 1\n\n\na = f(np.ones(3))\nb = f(torch.ones(3))\n",
    "def f(x{0}, y):\n    return (x - x.mean()) / x.std()\n\n\n"
    "f(np.ones(3), Future().result())\nf(torch.ones(3), Future().result())\n",
]


@pytest.mark.parametrize(
    ("annotation", "said"),
    [
        ("", "declare it with @sekisho.boundary or @sekisho.same_world"),
        (": object", "declare it with @sekisho.boundary or @sekisho.same_world"),
    ],
)
def test_what_helps_a_function_of_both_libraries(project, annotation, said):
    project.write(textwrap.dedent(HEAD) + USES[-1].format(annotation))
    (found,) = project.findings("SK106")
    assert found.help == said


@pytest.mark.parametrize(
    ("annotation", "said"),
    [
        ("", "@sekisho.boundary, or in a block: with sekisho.crossing_allowed()"),
        (": set[np.ndarray]", "declare it in a block: with sekisho.crossing_allowed()"),
    ],
)
def test_what_helps_at_a_crossing(project, annotation, said):
    project.write(textwrap.dedent(HEAD) + USES[0].format(annotation))
    (found,) = project.findings("SK103")
    assert found.help.endswith(said)


def test_a_function_under_a_decorator_that_may_compile_it_is_not_to_be_decorated(project):
    project.write(
        "import numpy as np, torch, numba\n@numba.njit\ndef f(x):\n"
        "    return torch.from_numpy(np.ones(3))\n"
    )
    assert not [each for each in project.findings() if "boundary" in each.help]


# --- the files


@pytest.mark.parametrize("newline", [b"\n", b"\r\n"])
@pytest.mark.parametrize(
    ("head", "encoding"),
    [
        (b"", "utf-8"),
        (b"\xef\xbb\xbf", "utf-8"),
        (b"# coding: latin-1\n", "latin-1"),
        (b"# -*- coding: cp1252 -*-\n", "cp1252"),
        (b"# coding: euc-jp\n", "euc-jp"),
    ],
)
@pytest.mark.parametrize("end", [b"", b"\n"])
def test_encoding_byte_order_mark_and_line_ends_stay(
    project, run_check, head, encoding, newline, end
):
    path = project.folder / "main.py"
    word = "門" if encoding == "euc-jp" else "é"
    data = head + f"WORD = '{word}'\n".encode(encoding) + LIE.strip().encode() + end
    path.write_bytes(data.replace(b"\n", newline))
    path.chmod(0o755)
    assert run_check("main.py", "--diff")[0] == 1
    status, _, err = run_check("main.py", "--fix")
    assert (status, err) == (0, "1 of 1 findings mended\n")
    assert path.read_bytes() == data.replace(b"w_np", b"w_tensor").replace(b"\n", newline)
    assert path.stat().st_mode & 0o777 == 0o755


def test_a_file_that_libcst_would_change_is_left_alone(project, run_check):
    path = project.write("\x0c" + LIE)
    status, _, err = run_check("main.py", "--fix")
    assert status == 1
    assert path.read_text("utf-8") == "\x0c" + LIE
    assert err == (
        "sekisho: left alone: main.py: libcst cannot keep the file as it is\n"
        "0 of 1 findings mended\n"
    )


def test_a_file_that_was_saved_meanwhile_is_left_alone_and_the_others_are_mended(
    project, run_check, monkeypatch
):
    from sekisho.findings import editing

    one, two = project.write(LIE, "one.py"), project.write(LIE, "two.py")
    fixed = editing.fixed

    def slow(text, found):
        one.write_text("edited", "utf-8")
        return fixed(text, found)

    monkeypatch.setattr(editing, "fixed", slow)
    status, _, err = run_check(".", "--fix")
    assert status == 1
    assert one.read_text("utf-8") == "edited"
    assert two.read_text("utf-8") == LIE.replace("w_np", "w_tensor")
    assert err == (
        "sekisho: left alone: one.py: it was changed meanwhile\n1 of 2 findings mended\n"
    )


@pytest.mark.skipif(os.name == "nt", reason="there are no such limits")
def test_a_disk_that_takes_no_more_leaves_the_files_as_they_were(project):
    for number in range(3):
        project.write(LIE + "# x\n" * (100 + number * 10_000), f"m{number}.py")
    before = [path.read_bytes() for path in sorted(project.folder.glob("m*.py"))]
    limit = "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (60_000, 60_000))"
    script = f"{limit}; from sekisho.__main__ import main; raise SystemExit(main())"
    command = [
        sys.executable,
        "-c",
        script,
        "check",
        ".",
        "--fix",
        "--force",
        "--no-cache",
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert done.stderr == (
        "sekisho: [Errno 27] File too large: 'm2.py'. The files are as they were.\n"
    )
    assert [path.read_bytes() for path in sorted(project.folder.glob("m*.py"))] == before
    assert find_journal([project.folder]) is None


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="Windows has no such signals")
def test_the_command_is_killed_and_all_files_are_old_or_new(project, capsys):
    for number in range(10):
        project.write(LIE, f"m{number}.py")
    script = (
        "import os, sys, sekisho.writing.transaction as module\n"
        "class Slow:\n"
        "    def __getattr__(self, name):\n"
        "        if name == 'replace': open('begun', 'w').close(); import time; time.sleep(0.1)\n"
        "        return getattr(os, name)\n"
        "module.os = Slow()\n"
        "from sekisho.__main__ import main; raise SystemExit(main())\n"
    )
    command = [sys.executable, "-c", script, "check", ".", "--fix", "--force"]
    for wait in (0.0, 0.12, 0.3):
        with subprocess.Popen(command) as process:
            end = time.monotonic() + 60
            while not (project.folder / "begun").exists():
                assert time.monotonic() < end
                time.sleep(0.005)
            time.sleep(wait)
            process.kill()
        (project.folder / "begun").unlink()
        texts = {path.read_text("utf-8") for path in project.folder.glob("m*.py")}
        assert texts <= {LIE, LIE.replace("w_np", "w_tensor")}
        with pytest.raises(SystemExit):
            main(["check", ".", "--fix", "--force"])
        assert "hint: python -m sekisho restore" in capsys.readouterr().err
        main(["check", "."])
        assert "hint: python -m sekisho restore" in capsys.readouterr().err
        assert main(["restore"]) == 0
        assert {path.read_text("utf-8") for path in project.folder.glob("m*.py")} == {LIE}


# --- imports


IMPORTS = '''\
"""A module."""

from __future__ import annotations

import os, sys  # nobody here uses them: others may import them from here
from typing import TYPE_CHECKING

import numpy as w_np
import torch
from os import *

if TYPE_CHECKING:
    from collections.abc import Sequence

try:
    import json as fast
except ImportError:
    fast = None

__all__ = ["f", "os", "w_np"]


def f(n: Sequence[int]):
    import math as m_np

    x_np = torch.ones(n)
    return x_np, m_np, w_np
'''


@pytest.mark.parametrize("options", [("--fix",), ("--fix", "--add-ignore")])
def test_no_import_is_added_removed_or_renamed(project, run_check, options):
    """A rename leaves no import unused, and other modules may import any name of a module."""
    path = project.write(IMPORTS)
    status, _, err = run_check("main.py", *options)
    assert (status, err.partition(",")[0].strip()) == (0, "1 of 1 findings mended")
    assert path.read_text("utf-8") == IMPORTS.replace("x_np", "x_tensor")


def test_no_fix_needs_sekisho_to_be_installed(project, run_check):
    """An edit must not make the user's package depend on sekisho."""
    path = project.write(LIE + "\n\ndef g(n):\n    return torch.ones(n).numpy()\n")
    run_check("main.py", "--fix", "--add-ignore")
    text = path.read_text("utf-8")
    assert "w_tensor" in text
    imports = [each for each in ast.walk(ast.parse(text)) if isinstance(each, ast.Import)]
    assert [name.name for each in imports for name in each.names] == ["torch"]


def commit(folder, *names):
    for words in (
        ["init", "-q"],
        ["add", *names],
        ["-c", "user.name=a", "-c", "user.email=a@b", "commit", "-q", "-m", "first"],
    ):
        subprocess.run(["git", "-C", folder, *words], check=True, capture_output=True)


@pytest.mark.parametrize("option", ["--fix", "--add-ignore"])
@pytest.mark.parametrize("state", ["no git", "no repository", "unknown", "changed", "a glob"])
def test_what_git_cannot_bring_back_is_written_with_force_only(
    project, run_check, monkeypatch, state, option
):
    path = project.write(LIE, "mai[n].py" if state == "a glob" else "main.py")
    other = project.write("x = 1\n", "main.py" if state == "a glob" else "other.py")
    if state == "no git":
        monkeypatch.setenv("PATH", "")
    elif state != "no repository":
        commit(project.folder, other.name, *([path.name] if state == "changed" else []))
    if state == "changed":
        path.write_text(f"{LIE}\n# not committed\n", "utf-8")
    before = path.read_bytes()
    status, out, err = run_check(path.name, option, forced=False)
    assert (status, out) == (2, "")
    assert err.endswith("or --force\n")
    assert ("in no git repository" in err) is state.startswith("no ")
    assert path.read_bytes() == before
    assert run_check(path.name, option, "--diff")[0] == 1  # a diff needs no git
    run_check(path.name, option, "--force", forced=False)
    assert path.read_bytes() != before


def test_changes_to_other_files_do_not_keep_a_file_from_being_written(project, run_check):
    path = project.write(LIE)
    other = project.write("x = 1\n", "other.py")
    commit(project.folder, path.name, other.name)
    other.write_text("x = 2\n", "utf-8")
    project.write("x = 3\n", "new.py")
    before = path.read_bytes()
    assert run_check("main.py", "--fix", forced=False)[0] != 2
    assert path.read_bytes() != before


def test_git_is_asked_once_for_the_files_of_a_folder(project, run_check, monkeypatch):
    names = [f"{folder}m{number}.py" for folder in ("", "inner/") for number in range(6)]
    paths = [project.write(LIE, name) for name in names]
    commit(project.folder, *names)
    asked = []
    real = subprocess.run
    monkeypatch.setattr(
        subprocess, "run", lambda words, **options: asked.append(words) or real(words, **options)
    )
    before = [path.read_bytes() for path in paths]
    assert run_check(".", "--fix", forced=False)[0] != 2
    assert all(path.read_bytes() != old for path, old in zip(paths, before, strict=True))
    # without the queries for ignored files
    asked = [words for words in asked if "--ignored" not in words]
    assert len(asked) == 6  # changed, hidden and untracked files, in two folders
    assert all(words[0] == "git" for words in asked)


def test_one_changed_file_of_many_keeps_all_from_being_written(project, run_check):
    paths = [project.write(LIE, f"m{number}.py") for number in range(6)]
    commit(project.folder, *[path.name for path in paths])
    paths[4].write_text(f"{LIE}# mine\n", "utf-8")
    before = [path.read_bytes() for path in paths]
    status, _, err = run_check(".", "--fix", forced=False)
    assert (status, " M m4.py\n" in err) == (2, True)
    assert [path.read_bytes() for path in paths] == before
