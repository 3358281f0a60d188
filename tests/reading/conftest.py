from __future__ import annotations

import html.parser
import textwrap

import pytest

from sekisho.__main__ import main
from sekisho.code import Cache
from sekisho.findings import check, read_settings
from sekisho.inference import solve, survey


@pytest.fixture(autouse=True)
def _cache(read_cache, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


class _OfLibraries(Cache):
    """Caches the tables of libraries, and nothing of a program's readings."""

    def read(self, key):
        return super().read(key) if key.startswith("table") else None

    def write(self, key, value):
        if key.startswith("table"):
            super().write(key, value)


@pytest.fixture
def of_libraries():
    """Return the class of a cache with which every program is read anew."""
    return _OfLibraries


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

    def held(self, text):
        """Return what each name of a program holds at its end, as a map says it."""
        self.write(text)
        return self.worlds()

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
    return project.held


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


class Reader(html.parser.HTMLParser):
    """What a page shows of the source of its files.

    Attributes:
        text: the source, of all files.
        marked: line, column, name and title of what is tinted.
        links: line, column, name and target of what is linked.
        anchors: line and name by their id.
        notes: what stands behind lines.
        rows: the cells of the index.
    """

    def __init__(self):
        super().__init__()
        self.text = ""
        self.marked, self.links, self.anchors, self.notes, self.rows = [], [], {}, {}, []
        self.path = []

    def handle_starttag(self, tag, attrs):
        if tag in {"meta", "link", "input"}:
            return
        self.path.append((tag, dict(attrs)))
        if tag == "tr":
            self.rows.append([])
        elif tag in {"td", "th"}:
            self.rows[-1].append("")

    def handle_endtag(self, tag):
        assert self.path.pop()[0] == tag, "elements are closed in order"

    def handle_data(self, data):
        for tag, attrs in self.path:
            if tag in {"td", "th"}:
                self.rows[-1][-1] += data
            elif tag == "pre" and attrs.get("class") == "source":
                self._handle_source(data)

    def _handle_source(self, data):
        tag, attrs = self.path[-1]
        if not self.text and tag == "pre":
            data = data.removeprefix("\n")  # which HTML drops behind <pre>
        line = self.text.count("\n") + 1
        if tag == "i":
            self.notes[line] = data
            return
        place = line, len(self.text) - self.text.rfind("\n") - 1, data
        self.text += data
        if tag == "u":
            self.marked.append((*place, attrs["title"]))
        elif tag == "a":
            self.links.append((*place, attrs["href"]))
        elif tag == "b":
            self.anchors[attrs["id"]] = (line, data)


@pytest.fixture
def read_page():
    """What a page with one file shows, and the index of one with several."""

    def read(page):
        reader = Reader()
        reader.feed(page)
        reader.close()
        return reader

    return read
