"""``-q`` and ``-v`` of every command, and tables that fit a terminal."""

from __future__ import annotations

import io
import re
import sys
from pathlib import Path

import numpy as np
import pytest

import sekisho as sk
from sekisho.__main__ import main
from sekisho.utils import as_table

COMMANDS = ("crossings", "map", "check", "adopt", "config", "restore", "clean")
VERBOSE = "print to standard error what is done, with which settings, and how long it takes"


@pytest.fixture
def run(tmp_path, monkeypatch, capfd, read_cache):
    """Run a command in a project of one file; get its status, output and errors."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "pyproject.toml").write_text('[tool.sekisho]\nmode = "strict"\n')
    (tmp_path / "main.py").write_text(
        "import numpy as np\n\n\ndef double(x):\n    return 2 * x\n\n\ndouble(np.ones(3))\n"
    )

    def run(*arguments):
        try:
            status = main([*arguments])
        except SystemExit as exit_:
            status = exit_.code
        sys.stdout.flush()
        out, err = capfd.readouterr()
        return status, out, err

    return run


CALLS = {
    "crossings": ["main.py"],
    "map": ["main.py"],
    "check": ["main.py"],
    "adopt": ["main.py"],
    "config": [],
    "restore": [],
    "clean": [],
}


def called(name, *options):
    behind = ["--", "main.py"] if name == "adopt" else []
    return [name, *options, *CALLS[name], *behind]


@pytest.mark.parametrize("name", COMMANDS)
def test_both_are_documented_and_exclude_each_other(run, name, monkeypatch):
    monkeypatch.setenv("COLUMNS", "200")
    _, out, _ = run(name, "--help")
    assert re.search(r"^  -q, --quiet +leave out \w", out, re.MULTILINE)
    assert re.search(rf"^  -v, --verbose +{VERBOSE}$", out, re.MULTILINE)
    status, out, err = run(*called(name, "-q", "-v"))
    assert (status, out) == (2, "")
    assert err.endswith("argument -v/--verbose: not allowed with argument -q/--quiet\n")


@pytest.mark.parametrize("name", COMMANDS)
def test_verbose_says_what_is_done_beside_what_is_printed(run, name):
    if name == "adopt":
        pytest.importorskip("libcst")
    run(*called(name))  # fills the cache
    status, out, err = run(*called(name))
    again, same, more = run(*called(name, "-v"))
    assert status == again
    if name != "clean":
        assert re.sub(r"\d+\.\d+", "", same) == re.sub(r"\d+\.\d+", "", out)
    told = [line for line in more.splitlines() if line not in err.splitlines()]
    assert told[0].startswith(f"sekisho: version {sk.__version__}, Python 3.")
    assert re.fullmatch(rf"sekisho: {name} took \d+\.\d s", told[-1])
    assert len(told) > 2 or name in {"config", "restore", "clean"}


@pytest.mark.parametrize("name", COMMANDS)
def test_quiet_leaves_out_what_is_no_result(run, name):
    if name == "adopt":
        pytest.importorskip("libcst")
    status, out, err = run(*called(name, "-q"))
    assert (status, err) == (0, "")
    if name == "adopt":
        assert out.startswith("--- ")
    elif name == "config":
        assert len(out.splitlines()) == 2  # the file, and the mode
    else:
        assert out == ""


@pytest.mark.parametrize("arguments", [["--top", "x"], ["--keep", "-1"], ["--top", "1.5"]])
def test_a_number_that_is_none_is_named(run, arguments):
    option, word = arguments
    status, _, err = run("crossings", f"{option}={word}", "main.py")
    assert status == 2
    assert err == (
        f"sekisho crossings: error: argument {option}: expected a whole number, got {word!r}\n"
    )


class Terminal(io.StringIO):
    def isatty(self):
        return True


@pytest.mark.parametrize("columns", [40, 60, 80, 200])
def test_the_table_of_crossings_fits_and_nothing_is_cut(monkeypatch, columns, torch):
    @sk.torch_world
    def upload_with_a_long_name(x: torch.Tensor):
        return x.sum()

    with sk.record_crossings() as log:
        upload_with_a_long_name(np.ones(3))
    whole = io.StringIO()
    log.print(whole)
    monkeypatch.setenv("COLUMNS", str(columns))
    monkeypatch.setitem(sys.modules, "rich.console", None)  # as if it were not installed
    terminal = Terminal()
    log.print(terminal)
    shown = terminal.getvalue()
    longest = max(map(len, shown.splitlines()))
    assert longest <= max(columns, 72)  # nine columns cannot be narrower
    letters = re.sub(r"[\s-]", "", shown)
    assert sorted(letters) == sorted(re.sub(r"[\s-]", "", whole.getvalue()))


@pytest.mark.parametrize("columns", [30, 50])
@pytest.mark.usefixtures("torch")
def test_statistics_fit(run, monkeypatch, columns):
    Path("main.py").write_text("import torch\nrows_np = torch.ones(3)\n")
    _, whole, _ = run("check", "--statistics")
    assert "SK1" in whole
    monkeypatch.setenv("COLUMNS", str(columns))
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    _, out, _ = run("check", "--statistics")
    assert max(map(len, out.splitlines())) <= columns
    assert "".join(out.split()) == "".join(whole.split())


@pytest.mark.parametrize("columns", [40, 70])
def test_settings_fit(run, monkeypatch, columns):
    _, whole, _ = run("config")
    monkeypatch.setenv("COLUMNS", str(columns))
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    _, out, _ = run("config")
    assert max(map(len, out.splitlines()[1:])) <= columns
    assert sorted(re.sub(r"\s", "", out)) == sorted(re.sub(r"\s", "", whole))


def test_the_widest_column_is_folded_first():
    rows = [("name", "text"), ("a", "one two three four five six seven")]
    assert as_table(rows, 20) == [
        ["name  text"],
        ["a     one two three", "      four five six", "      seven"],
    ]


def test_a_word_that_is_too_long_is_broken_and_numbers_stay_right():
    assert as_table([("x" * 20, "1"), ("y", "22")], 12, {1}) == [
        ["xxxxxxxx   1", "xxxxxxxx", "xxxx"],
        ["y         22"],
    ]


def test_a_table_in_a_file_is_as_wide_as_it_is():
    assert as_table([("x" * 300, "y")]) == [["x" * 300 + "  y"]]
