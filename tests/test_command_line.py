"""The command line: help, wrong words and exit statuses, for every command."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys

import pytest

import sekisho as sk
from sekisho.__main__ import main

COMMANDS = ("crossings", "map", "check", "adopt", "config", "restore", "clean", "server")


def said(capsys, *arguments: str) -> tuple[int, str, str]:
    with pytest.raises(SystemExit) as caught:
        main(list(arguments))
    out, err = capsys.readouterr()
    return caught.value.code, out, err


def help_of(capsys, *command: str) -> str:
    status, out, _ = said(capsys, *command, "--help")
    assert status == 0
    return out


def test_every_command_is_tried_here(capsys):
    listed = help_of(capsys).partition("COMMAND\n")[2].partition("\noptions")[0]
    assert tuple(re.findall(r"^    (\w+)", listed, re.MULTILINE)) == COMMANDS


@pytest.mark.parametrize("command", [(), *((each,) for each in COMMANDS)])
@pytest.mark.parametrize("columns", ["60", "80", "200"])
def test_help_has_two_examples_and_the_exit_statuses(command, columns, capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", columns)
    text = help_of(capsys, *command)
    examples = text.partition("\nexamples:\n")[2].partition("\n\n")[0].splitlines()
    assert len(examples) == 2
    name = " ".join(("sekisho", *command))
    assert all(each.startswith("  ") and name in each for each in examples)
    assert "The exit status is " in text
    longest = max(len(each) for each in text.partition("\nexamples")[0].splitlines()[3:])
    assert longest <= max(int(columns), 60)


@pytest.mark.parametrize("command", COMMANDS)
def test_a_misspelt_option_is_answered_with_the_one_that_was_meant(command, capsys):
    none: list[str] = []
    needed = dict.fromkeys(("restore", "clean", "config", "server"), none)
    needed = {**needed, "crossings": ["a.py", "b"]}.get(command, ["."])
    options = set(re.findall(r"(?<!\S)--[a-z-]{4,}", help_of(capsys, command))) - {"--help"}
    for option in options:
        wrong = option[:3] + option[4:]
        if any(each.startswith(wrong) for each in options):
            continue  # an abbreviation
        status, out, err = said(capsys, command, wrong, *needed)
        assert (status, out) == (2, "")
        assert err == (
            f"sekisho {command}: error: there is no option {wrong!r}. Did you mean {option!r}?\n"
        )


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (["chek"], "sekisho: error: there is no command 'chek'. Did you mean 'check'?"),
        (
            ["frobnicate"],
            "sekisho: error: there is no command 'frobnicate'. "
            f"Expected one of {', '.join(COMMANDS)}",
        ),
        (
            [],
            "sekisho: error: the following arguments are required: COMMAND. "
            "For example: sekisho crossings train.py --epochs 1",
        ),
        (
            ["check", ".", "--format", "jsn"],
            "sekisho check: error: --format has no 'jsn'. Did you mean 'json'?",
        ),
        (
            ["check", ".", "--format", "xml"],
            "sekisho check: error: --format has no 'xml'. "
            "Expected one of text, json, sarif, github",
        ),
        (["map", ".", "--zzz"], "sekisho map: error: there is no option '--zzz'. See --help"),
    ],
)
def test_wrong_usage_is_one_line_and_status_2(arguments, text, capsys):
    assert said(capsys, *arguments) == (2, "", f"{text}\n")


@pytest.mark.parametrize(
    "name", [["-m", "sekisho"], ["-c", "from sekisho.__main__ import run; run()"]]
)
def test_the_version_is_the_packages(name):
    command = [sys.executable, *name, "--version"]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    assert (done.returncode, done.stdout, done.stderr) == (0, f"sekisho {sk.__version__}\n", "")


def test_the_name_in_messages_is_the_one_that_can_be_typed():
    done = subprocess.run(
        [sys.executable, "-m", "sekisho", "chek"], check=False, capture_output=True, text=True
    )
    assert done.stderr.startswith("python -m sekisho: error: ")


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish", "tcsh"])
def test_a_shell_completes_commands_and_options(shell, capsys):
    pytest.importorskip("shtab")
    status, out, err = said(capsys, "--print-completion", shell)
    assert (status, err) == (0, "")
    for command in COMMANDS:
        assert command in out
    assert "fail-on" in out
    assert "write-baseline" in out


@pytest.mark.skipif(shutil.which("bash") is None, reason="there is no bash")
@pytest.mark.parametrize(
    ("typed", "expected"),
    [
        ("sekisho ch", {"check"}),
        ("sekisho c", {"check", "clean", "config", "crossings"}),
        ("sekisho crossings --fail", {"--fail-on"}),
        ("sekisho check ma", {"main.py"}),
        ("sekisho map --html ma", {"main.py"}),
    ],
)
def test_bash_completes_what_was_typed(typed, expected, capsys, tmp_path):
    pytest.importorskip("shtab")
    (tmp_path / "main.py").write_text("", "utf-8")
    (tmp_path / "completion").write_text(said(capsys, "--print-completion", "bash")[1], "utf-8")
    words = typed.split()
    script = (
        "source completion\n"
        f"COMP_WORDS=({' '.join(words)}); COMP_CWORD={len(words) - 1}\n"
        f"_shtab_sekisho sekisho {words[-1]} {words[-2]}\n"
        'printf "%s\\n" "${COMPREPLY[@]}"\n'
    )
    done = subprocess.run(
        ["bash", "--norc", "-c", script], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert set(done.stdout.split()) == expected, done.stderr


def test_completion_without_shtab_says_what_to_install(capsys, monkeypatch):
    monkeypatch.setitem(sys.modules, "shtab", None)
    status, _, err = said(capsys, "--print-completion", "bash")
    assert (status, err) == (2, "sekisho: error: completion needs shtab: install sekisho[tools]\n")


def test_the_command_line_starts_without_what_only_some_commands_need():
    script = "import sys, sekisho.__main__\nprint(*sorted(sys.modules))"
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    loaded = set(done.stdout.split())
    for package in ("package", "guard", "findings", "inference", "adoption", "fuzzing"):
        assert f"sekisho.{package}" not in loaded
