from __future__ import annotations

import textwrap

import pytest

from sekisho.__main__ import main
from sekisho.findings import check, read_settings
from sekisho.inference import solve, survey


@pytest.fixture(autouse=True)
def _cache(read_cache, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


class Project:
    """Files in a folder, after reading."""

    def __init__(self, folder):
        self.folder = folder

    def write(self, text, name="main.py"):
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(textwrap.dedent(text), "utf-8")
        return path

    def solve(self, *paths):
        return solve(paths or [self.folder])

    def functions(self):
        return {each.name: each for each in survey(self.solve())}

    def worlds(self):
        """Return the world of each name of the program, at its last binding."""
        return {each.name: each.world for f in survey(self.solve()) for each in f.variables}

    def findings(self, *codes):
        """Return the findings in a project that uses sekisho, so that it gets all rules."""
        settings = read_settings([self.folder])._replace(is_adopted=True)
        found = check(self.solve(), settings)
        return [each for each in found if not codes or each.code in codes]

    def codes(self):
        return [each.code for each in self.findings()]


@pytest.fixture
def project(tmp_path):
    return Project(tmp_path)


@pytest.fixture
def worlds(project):
    """Return what the names of a snippet hold at its end."""

    def read(text):
        project.write(text)
        return project.worlds()

    return read


def _runner(command, capsys):
    def run(*arguments, forced=True):
        # Most tests are not in a git repository.
        if forced and {"--fix", "--add-ignore"} & {*arguments} and "--diff" not in arguments:
            arguments = ("--force", *arguments)
        try:
            status = main([command, *map(str, arguments)])
        except SystemExit as exit_:
            status = exit_.code
        shown = capsys.readouterr()
        return status, shown.out, shown.err

    return run


@pytest.fixture
def run_check(capsys):
    return _runner("check", capsys)


@pytest.fixture
def run_map(capsys):
    return _runner("map", capsys)
