"""Names are escaped for terminals, CI logs, charts and pages, and any stdout can be printed to."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from urllib.parse import unquote_to_bytes

import pytest

from sekisho.log import CrossingLog, Row
from sekisho.utils import as_html, as_json, as_toml, printable

LIE = "import torch\n\n\ndef f(n):\n    w_np = torch.ones(n)\n    return w_np\n"
NAMES = {
    "escapes of a terminal": "a\x1b[2J\x1b]0;owned\x07.py",
    "eight bits of them": "a\x9b2J.py",
    "another line, and a command": "a\n::error ::owned\n.py",
    "a carriage return": "a\r::error ::owned\r.py",
    "the direction of text": "a\u202eyp.py",
    "a line of Unicode": "a\u2028b.py",
    "what Mermaid and HTML mean": 'a"]#<b>`&;.py',
    "no encoding": os.fsdecode(b"a\xff\xfe.py"),
    "Japanese": "関所.py",
}
names = pytest.mark.parametrize("name", NAMES.values(), ids=NAMES)


def run(folder, *arguments, **environment):
    return subprocess.run(
        [sys.executable, "-W", "ignore", "-m", "sekisho", *arguments],
        capture_output=True,
        timeout=240,
        check=False,
        cwd=folder,
        env={**os.environ, **environment},
    )


@pytest.fixture(autouse=True)
def _cache(read_cache): ...


@pytest.fixture
def folder(tmp_path, torch):
    return tmp_path


def place(folder, name, text):
    try:
        (folder / name).write_text(text, "utf-8")
    except OSError:
        pytest.skip("no file can be called so here")


def is_clean(data, allowed="\n"):
    text = data.decode("utf-8")
    assert all(each.isprintable() or each in allowed for each in text), ascii(text)
    assert not any(line.startswith("::error ::owned") for line in text.splitlines())
    return text


@names
@pytest.mark.parametrize("format_", ["text", "github", "json", "sarif"])
def test_check_prints_no_name_as_it_is(folder, name, format_):
    place(folder, name, LIE)
    done = run(folder, "check", ".", "--format", format_)
    assert done.returncode == 1, done.stderr
    text = is_clean(done.stdout)
    if format_ == "json":
        assert json.loads(text)["findings"][0]["file"] == name
    if format_ == "sarif":
        (result,) = json.loads(text)["runs"][0]["results"]
        uri = result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"]
        assert unquote_to_bytes(uri) == os.fsencode(name)
        assert uri.isascii()
    if format_ == "github":
        assert text.count("\n") == 1


@pytest.mark.slow
@names
def test_check_fix_map_and_what_is_not_read(folder, name):
    pytest.importorskip("libcst")
    place(folder, name, LIE)
    is_clean(run(folder, "check", ".", "--diff").stdout)
    assert run(folder, "check", ".", "--write-baseline", "--baseline", "base").returncode == 0
    assert run(folder, "check", ".", "--baseline", "base").returncode == 0
    done = run(folder, "map", ".", "--json", "map.json", "--html", "map.html")
    assert done.returncode == 0, done.stderr
    is_clean(done.stdout)
    found = json.loads((folder / "map.json").read_text("utf-8"))
    assert found["functions"][0]["file"] == name
    assert "<html" in is_clean((folder / "map.html").read_bytes())
    place(folder, name, "def f(:")
    is_clean(run(folder, "map", ".").stderr)
    done = run(folder, "check", ".", "--fix", "--force")
    is_clean(done.stdout + done.stderr)


@pytest.mark.slow
@names
def test_crossings_reports_a_script_whatever_it_is_called(folder, name):
    text = "import numpy as np\nimport torch\n\n\ndef cross():\n    torch.from_numpy(np.ones(3))\n\n\ncross()\n"
    place(folder, name, text)
    options = ("--json", "log.json", "--html", "log.html", "--github", "--fail-on", "undeclared")
    done = run(folder, "crossings", *options, name)
    assert done.returncode == 1, done.stderr
    is_clean(done.stdout)
    is_clean(done.stderr)
    (row,) = json.loads((folder / "log.json").read_text("utf-8"))["crossings"]
    assert os.path.basename(row["file"]) == name
    assert "<html" in is_clean((folder / "log.html").read_bytes())
    is_clean(run(folder, "crossings", "--mermaid", name).stderr)


MISTAKES = {
    "a journal": ("check .", ".sekisho-journal", ""),
    "a journal, and it is to write": ("check . --fix", ".sekisho-journal", ""),
    "a journal that is none": ("restore", ".sekisho-journal", "hello\n"),
    "no TOML": ("check .", "pyproject.toml", "[tool"),
    "no section": ("check .", "pyproject.toml", "[tool.sekisho]\nmistake = 1"),
    "no code": ("check .", "pyproject.toml", "[tool.sekisho.check]\nselect = ['XY']"),
    "no baseline": ("check . --baseline {name}/known", "known", "[]"),
    "a baseline": ("check . --baseline {name}/new --write-baseline", "new", ""),
    "no path": ("check {name}/nowhere", "", ""),
    "no path to map": ("map {name}/nowhere", "", ""),
    "no git": ("adopt one.py --write -- program.py", "program.py", "import one"),
    "no calls": ("adopt one.py -- program.py", "program.py", "1"),
    "the cache": ("clean", "", ""),
}


@pytest.mark.slow
@pytest.mark.parametrize("mistake", MISTAKES.values(), ids=MISTAKES)
@pytest.mark.parametrize("name", [each.removesuffix(".py") for each in NAMES.values()], ids=NAMES)
def test_no_error_names_a_folder_as_it_is(folder, name, mistake):
    pytest.importorskip("libcst")
    command, file, text = mistake
    inner = folder / name
    try:
        inner.mkdir()
    except OSError:
        pytest.skip("no folder can be called so here")
    (inner / "one.py").write_text("def one(x):\n    return x\n", "utf-8")
    if file:
        (inner / file).write_text(text, "utf-8")
    words = [word.replace("{name}", str(inner)) for word in command.split()]
    done = run(inner, *words, SEKISHO_CACHE_DIR=str(inner / "cache"))
    is_clean(done.stdout + done.stderr)


SOURCES = {
    "escapes of a terminal": "\x1b[2J \x9b2J",
    "the direction of text": "\u202e \u2066 \u200f",
    "what cannot be seen": "\u200b \u200d \ufeff \u00ad \U000e0001",
    "no character": "\ufffe \x00 \x7f",
    "HTML": "</pre><script>&",
}


@pytest.mark.parametrize("hidden", SOURCES.values(), ids=SOURCES)
def test_a_page_shows_what_source_code_hides(folder, hidden):
    if "\x00" not in hidden:  # Python rejects it
        text = f"import torch\n\n\nx = torch.ones(3)  # a {hidden}\n\ty\u3000z\n"
        place(folder, "a.py", text.replace("\n\t", "\n#\t"))
        assert run(folder, "map", ".", "--html", "map.html").returncode == 0
        page = is_clean((folder / "map.html").read_bytes(), "\n\t\u3000")
        assert f"  # a {as_html(hidden)}\n" in page
        assert "#\ty\u3000z" in page
    path = folder / "b.py"
    path.write_text(f"x = 1  # b {hidden}\n", "utf-8")
    log = CrossingLog()
    log.add_row(row_of(f"f {hidden}", str(path)))
    page = is_clean(log.to_html().encode("utf-8", "backslashreplace"))
    assert f"x = 1  # b {as_html(hidden)}<b>" in page
    assert page.count(f"f {as_html(hidden)}") >= 2  # in the table, and in the picture
    is_clean(log._repr_html_().encode("utf-8", "backslashreplace"))


@pytest.mark.parametrize("name", NAMES.values(), ids=NAMES)
@pytest.mark.parametrize("is_package", [False, True], ids=["a module", "a package"])
def test_the_table_of_adopt_is_toml_and_reads_back(folder, name, is_package):
    tomllib = pytest.importorskip("tomllib")
    pytest.importorskip("libcst")
    stem = name.removesuffix(".py")
    text = "import numpy as np\n\n\ndef double(x):\n    return np.multiply(x, 2)\n"
    (folder / stem).mkdir()
    place(folder, f"{stem}/__init__.py" if is_package else name, text)
    place(
        folder,
        "program.py",
        "import importlib, sys\nimport numpy as np\n"
        f"one = importlib.import_module({stem!a})\none.double(np.ones(3))\n",
    )
    package = stem if is_package else name
    done = run(folder, "adopt", package, "--worlds", "--", "program.py")
    assert done.returncode == 0, done.stderr
    table = tomllib.loads(is_clean(done.stdout))["tool"]["sekisho"]
    read_back = "".join("\ufffd" if 0xD800 <= ord(each) < 0xE000 else each for each in stem)
    assert table["worlds"] == {f"{read_back}.double": "numpy"}
    assert table["packages"] == [read_back]
    is_clean(done.stderr)


def row_of(name, path=""):
    return Row(
        **{
            **dict.fromkeys(Row._fields, ""),
            "function": name,
            "filename": path,
            "operation": name,
            "source": "numpy",
            "target": "torch",
            "line": 1,
            "copied": None,
            "home": None,
            "declared": False,
            "count": 1,
            "nbytes": 8,
            "seconds": 0.1,
            "repeats": 0,
        }
    )


@names
def test_a_chart_has_no_name_as_it_is(name):
    log = CrossingLog()
    log.add_row(row_of(name))
    chart = log.to_mermaid()
    is_clean(chart.encode())
    inside = [line.split('"')[1::2] for line in chart.splitlines()]
    assert all(line.count('"') % 2 == 0 for line in chart.splitlines())
    texts = [text for line in inside for text in line]
    assert texts
    assert not any(character in text for text in texts for character in "<>`&")


@pytest.mark.parametrize("encoding", ["cp1252", "ascii", "latin-1", "shift_jis"])
def test_any_encoding_of_stdout_works(folder, encoding):
    pytest.importorskip("libcst")
    text = (
        "import torch\n\n\ndef 関(n):\n    '''é門'''\n    w_np = torch.ones(n)\n    return w_np\n"
    )
    place(folder, "é門.py", text)
    place(folder, "one.py", "def one(x):\n    '''é門'''\n    return x\n")
    place(folder, "program.py", "import numpy as np\nfrom one import one\none(np.ones(3))\n")
    coding = {"PYTHONIOENCODING": encoding}
    for options in ((), ("--diff",), ("--format", "github")):
        done = run(folder, "check", ".", *options, **coding)
        assert done.returncode == 1, done.stderr
        done.stdout.decode(encoding)
    for format_ in ("json", "sarif"):
        done = run(folder, "check", ".", "--format", format_, **coding)
        assert "é門.py" in done.stdout.decode("utf-8") or format_ == "sarif"
        json.loads(done.stdout)
    assert run(folder, "map", ".", **coding).returncode == 0
    done = run(folder, "adopt", "one.py", "--write", "--force", "--", "program.py", **coding)
    assert done.returncode == 0, done.stderr
    assert "@sk.same_world" in (folder / "one.py").read_text("utf-8")


@pytest.mark.skipif(os.name == "nt", reason="a shell closes it")
@pytest.mark.parametrize("command", ["check .", "check . --format json", "map ."])
def test_a_closed_stdout_is_none_of_our_business(folder, command):
    place(folder, "a.py", LIE)
    python = f"{sys.executable} -m sekisho {command}"
    for close in (">&-", "2>&-", "| true"):
        done = subprocess.run(
            ["/bin/sh", "-c", f"{python} {close}"], capture_output=True, check=False, cwd=folder
        )
        assert b"Traceback" not in done.stderr
        assert b"Exception" not in done.stderr


def test_a_report_that_cannot_be_written_leaves_the_others(folder):
    place(folder, "program.py", "import numpy as np, torch\ntorch.from_numpy(np.ones(3))\n")
    (folder / "taken").mkdir()
    done = run(folder, "crossings", "--json", "taken", "--html", "log.html", "program.py")
    assert done.returncode == 1
    assert b"sekisho: failed: taken is not written: Is a directory\n" in done.stderr
    assert (folder / "log.html").exists()


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain é 門", "plain é 門"),
        ("\x1b[0m\t\n", "\\x1b[0m\\t\\n"),
        ("\u202e\U000e0001", "\\u202e\\U000e0001"),
        ("\udcff\ud800", "\\xff\\ud800"),
        ("", ""),
    ],
)
def test_what_is_no_character_is_escaped(text, shown):
    assert printable(text) == shown


@names
def test_json_reads_back(name):
    text = as_json({name: [name, {"a": "\U000e0001\x9b\ud800"}]})
    assert json.loads(text) == {name: [name, {"a": "\U000e0001\x9b\ud800"}]}
    is_clean(text.encode("utf-8"))


@names
def test_toml_reads_back(name):
    tomllib = pytest.importorskip("tomllib")
    text = f"name = {as_toml(name)}\n"
    is_clean(text.encode("utf-8"))
    expected = "".join("\ufffd" if 0xD800 <= ord(each) < 0xE000 else each for each in name)
    assert tomllib.loads(text) == {"name": expected}


def test_toml_has_every_character():
    tomllib = pytest.importorskip("tomllib")
    every = "".join(map(chr, (*range(0xD800), *range(0xE000, 0x30000), 0xE0001, 0x10FFFF)))
    text = f"name = {as_toml(every)}\n"
    is_clean(text.encode("utf-8"))
    assert tomllib.loads(text) == {"name": every}


def test_html_has_every_character():
    text = as_html("".join(map(chr, range(0x110000))))
    text.encode("utf-8")
    assert {each for each in text if not each.isprintable()} == {
        *("\t", "\xa0", "\u1680", *map(chr, range(0x2000, 0x200B)), "\u202f", "\u205f", "\u3000")
    }
