from __future__ import annotations

import os
import subprocess
import sys
import textwrap

import pytest

from sekisho.__main__ import main
from sekisho.tracer import environment_for, read_journals


@pytest.fixture(autouse=True)
def _here(read_cache, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PYTHONDONTWRITEBYTECODE", "1")
    for name in ("COV_CORE_SOURCE", "COVERAGE_PROCESS_START", "COVERAGE_PROCESS_CONFIG"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def write(tmp_path):
    def write(name, text):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(textwrap.dedent(text).lstrip("\n"), "utf-8")
        return path

    return write


@pytest.fixture
def trace(tmp_path):
    """Run a script with the functions of some files traced; return them by name, and the travels."""

    def trace(script, *roots, expected=0):
        folder = tmp_path / "journals"
        folder.mkdir(exist_ok=True)
        places = [os.path.realpath(root) for root in roots or (script,)]
        environment = {**os.environ, **environment_for(folder, places)}
        done = subprocess.run(
            [sys.executable, str(script)], env=environment, timeout=120, check=False
        )
        assert done.returncode == expected
        observed, travels = read_journals(folder)
        return {each.name: each for each in observed}, travels

    return trace


@pytest.fixture
def adopt(capfd):
    """Run the command; return the status, standard output and standard error.

    Most tests are not in a git repository, so --write is used with --force unless `forced` is
    False.
    """

    def adopt(*arguments, forced=True):
        if forced and "--write" in arguments:
            arguments = ("--force", *arguments)
        try:
            status = main(["adopt", *map(str, arguments)])
        except SystemExit as exit_:
            status = exit_.code
        shown = capfd.readouterr()
        return status, shown.out, shown.err

    return adopt
