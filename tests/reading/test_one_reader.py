"""Source files and pyproject.toml are read in one place each, for every tool."""

from __future__ import annotations

import ast
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

import _pytest_sekisho_settings
import sekisho as sk
from sekisho.code import Skipped, read_file
from sekisho.utils import decode, parse

SOURCE = Path(__file__).parents[2] / "src"
READERS = {
    "detect_encoding",
    "decode_source",
    "loads of tomllib",
    "load of tomllib",
    "parse of ast",
}
READERS |= {"read_text", "open of tokenize"}
PLACES = {
    "sekisho/utils/reading.py": {"detect_encoding", "parse of ast"},
    "sekisho/package/project.py": {"read_text", "loads of tomllib"},
    # Like Python's own import: the bytes as they are, and a SyntaxError with the file's name.
    "sekisho/package/compiled.py": {"parse of ast"},
    # With the comments that annotate.
    "sekisho/code/comments.py": {"parse of ast"},
    # Not sources: the words of a program, recorded crossings, a baseline, the page of codes, a mark of
    # stubs.
    "sekisho/crossings.py": {"read_text"},
    "sekisho/adopting.py": {"read_text"},
    "sekisho/code/libraries.py": {"read_text"},
    "sekisho/findings/ignoring.py": {"read_text"},
    "sekisho/findings/explaining.py": {"read_text"},
}


def calls(tree):
    """Return the calls by which a module reads files as text, or parses text as a module."""
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute):
            continue
        owner = getattr(node.func.value, "id", "")
        is_expression = any(keyword.arg == "mode" for keyword in node.keywords)
        for name in (node.func.attr, f"{node.func.attr} of {owner}"):
            if name in READERS and not is_expression:
                yield name


def test_no_module_reads_for_itself():
    found = {
        path.relative_to(SOURCE).as_posix(): {*calls(ast.parse(path.read_text("utf-8")))}
        for path in SOURCE.rglob("*.py")
    }
    assert {path: names for path, names in found.items() if names} == PLACES


WORD = "é"
SOURCES = {
    "UTF-8": f"x = '{WORD}'\n".encode(),
    "a mark": b"\xef\xbb\xbf" + f"x = '{WORD}'\n".encode(),
    "a cookie": f"# coding: latin-1\nx = '{WORD}'\n".encode("latin-1"),
    "a cookie in line two": f"#!/bin/python\n# vim: fileencoding=cp1252\nx = '{WORD}'\n".encode(
        "cp1252"
    ),
    "line ends": f"x = '{WORD}'\r\ny = 1\r".encode(),
}


@pytest.mark.parametrize("data", SOURCES.values(), ids=SOURCES)
def test_what_is_read_is_what_python_reads(tmp_path, data):
    path = tmp_path / "one.py"
    path.write_bytes(data)
    file = read_file(path)
    assert ast.dump(parse(file.text)) == ast.dump(parse(data)) == ast.dump(ast.parse(data))
    assert file.text.splitlines() == decode(data)[0].splitlines()
    assert WORD in file.text


COOKIES = (
    *("klingon", "rot13", "hex", "zip", "undefined", "idna", "punycode", "utf-16", "utf-7"),
    *("unicode_escape", "raw_unicode_escape", "mbcs", "charmap", "utf-8-sig", "ascii"),
)


def test_any_cookie_is_read_or_reported(project, run_check):
    """Some codecs are not for text, and some decode to text that a file cannot contain."""
    for number, cookie in enumerate(COOKIES):
        for other, text in enumerate(["x = 1\n", "x = '\\ud800'\n", "x = '\xe9'\n"]):
            path = project.folder / f"m{number}_{other}.py"
            path.write_bytes(f"# coding: {cookie}\n{text}".encode("latin-1"))
            try:
                compile(path.read_bytes(), "one.py", "exec")
            except (SyntaxError, ValueError):
                continue
            assert not isinstance(read_file(path), Skipped)
    for options in ((".", "--no-cache"), (".",), (".",)):
        status, out, _ = run_check(*options)
        # a file that could not be read counts
        assert (status, out.startswith("no findings in ")) == (1, True)


def test_the_hook_reads_what_was_not_imported_by_the_same_reader(tmp_path, monkeypatch):
    """The hook does so to report patterns of the table that match nothing; the file is latin-1."""
    folder = tmp_path / "kept_apart"
    folder.mkdir()
    (folder / "__init__.py").write_text("")
    (folder / "other.py").write_bytes("# coding: latin-1\ndef é(): ...\n".encode("latin-1"))
    monkeypatch.syspath_prepend(tmp_path)
    worlds = {"kept_apart.other.é": "numpy"}
    with sk.install_import_hook("kept_apart", worlds=worlds) as hook:
        import kept_apart  # type: ignore[import-not-found]

        assert kept_apart.__name__ in sys.modules
        assert hook.unmatched() == []


def section(folder, named=None):
    config: Any = SimpleNamespace(inipath=named, rootpath=folder)
    return _pytest_sekisho_settings.read_section(config)


@pytest.mark.parametrize(
    "text",
    [
        "[tool.sekisho]\nmode = 'warn'",
        "[tool . 'sekisho' ]\nmode = 'warn'",
        "[tool]\nsekisho.mode = 'warn'",
        "[tool]\nsekisho = {mode = 'warn'}",
        "tool = {sekisho = {mode = 'warn'}}",
        "tool.sekisho.mode = 'warn'",
    ],
)
def test_the_pytest_plugin_reads_every_spelling_of_the_section(tmp_path, text):
    (tmp_path / "pyproject.toml").write_text(text, "utf-8")
    assert section(tmp_path) == {"mode": "warn"}


def test_a_file_that_only_mentions_sekisho_leaves_the_project_its_section(tmp_path):
    (tmp_path / "pyproject.toml").write_text("[tool.sekisho]\nmode = 'warn'", "utf-8")
    own = tmp_path / "own.toml"
    own.write_text("[tool.pytest.ini_options]\n# no sekisho", "utf-8")
    assert section(tmp_path, own) == {"mode": "warn"}
    own.write_text("[tool.sekisho]\nmode = 'strict'", "utf-8")
    assert section(tmp_path, own) == {"mode": "strict"}
    own.write_text("[tool.sekisho]\nmistake = 1", "utf-8")
    with pytest.raises(pytest.UsageError, match=r"there is no setting .mistake"):
        section(tmp_path, own)
