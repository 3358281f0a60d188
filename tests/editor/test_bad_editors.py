from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
from editor_client import span

from sekisho import serving

WRONG = "import numpy as np\n\n\ndef give():\n    ones_jax = np.ones(3)\n    return ones_jax\n"


def codes(found):
    return [(each["code"], each["range"]["start"]["line"]) for each in found]


def moved(client, *changes):
    events = [{"uri": client.uri(name), "type": kind} for name, kind in changes]
    client.notify("workspace/didChangeWatchedFiles", changes=events)


# --- files


def test_a_file_outside_of_the_workspace_is_read_with_its_own_settings(
    write, editor, tmp_path_factory
):
    outside = tmp_path_factory.mktemp("outside")
    write(WRONG, folder=outside)
    client = editor()
    uri = client.open(outside / "main.py")
    assert codes(client.diagnostics(uri)) == [("SK102", 4)]
    write("[tool.sekisho.check]\nignore = ['SK102']\n", "pyproject.toml", outside)
    client.save(uri)
    assert client.diagnostics(uri) == []


def test_a_buffer_without_a_file_is_read(editor):
    client = editor()
    uri = client.open("untitled:Untitled-1", WRONG)
    assert codes(client.diagnostics(uri)) == [("SK102", 4)]
    new = client.open("not/yet/there.py", WRONG)
    assert codes(client.diagnostics(new)) == [("SK102", 4)]


def test_several_workspaces_are_several_programs(write, connect, tmp_path):
    give = "def give():\n    return 1\n"
    take = "from helping import give\n\n\ndef take():\n    x_jax = give()\n    return x_jax\n"
    for name, text in (("one", give), ("two", WRONG)):
        write(text, f"{name}/helping.py")
        write(take, f"{name}/main.py")
    client = connect()
    client.initialize(tmp_path / "one", tmp_path / "two")
    one, two = client.open("one/main.py"), client.open("two/main.py")
    assert codes(client.diagnostics(two)) == [("SK102", 4)]
    assert client.pull(one)["items"] == []
    removed = [{"uri": (tmp_path / "two").as_uri(), "name": "two"}]
    client.notify("workspace/didChangeWorkspaceFolders", event={"added": [], "removed": removed})
    assert client.diagnostics(two) == []  # a file alone, whose helper is not open


def test_what_is_renamed_deleted_or_written_on_disk_is_read_again(write, editor, tmp_path):
    helping = write("import numpy as np\n\n\ndef give():\n    return np.ones(3)\n", "helping.py")
    write("from helping import give\n\n\ndef take():\n    x_jax = give()\n    return x_jax\n")
    client = editor()
    uri = client.open("main.py")
    assert codes(client.diagnostics(uri)) == [("SK102", 4)]
    helping.rename(tmp_path / "other.py")
    moved(client, ("helping.py", 3), ("other.py", 1))
    assert client.diagnostics(uri) == []
    client.change(uri, (0, 5, 0, 12, "other"))
    assert codes(client.diagnostics(uri)) == [("SK102", 4)]
    (tmp_path / "other.py").write_text("def give():\n    return 1\n")
    moved(client, ("other.py", 2))
    assert client.diagnostics(uri) == []
    (tmp_path / "main.py").unlink()
    moved(client, ("main.py", 3))
    client.change(uri, WRONG)
    assert codes(client.diagnostics(uri)) == [("SK102", 4)]


def test_what_git_ignores_is_not_in_the_program_and_is_read_when_it_is_open(
    write, editor, tmp_path
):
    subprocess.run(["git", "init", "-q", tmp_path], check=True)
    write("made/\n", ".gitignore")
    write(WRONG, "made/main.py")
    client = editor()
    assert client.request("workspace/diagnostic", previousResultIds=[])["items"] == []
    assert codes(client.diagnostics(client.open("made/main.py"))) == [("SK102", 4)]


def test_a_folder_that_is_removed_leaves_the_server_running(write, editor, tmp_path):
    write(WRONG, "part/main.py")
    client = editor()
    uri = client.open("part/main.py")
    client.diagnostics(uri)
    for path in (tmp_path / "part" / "main.py", tmp_path / "part"):
        path.unlink() if path.is_file() else path.rmdir()
    moved(client, ("part", 3))
    client.change(uri, (0, 0, 0, 0, "\n"))
    assert codes(client.diagnostics(uri)) == [("SK102", 5)]


@pytest.mark.parametrize(
    "text",
    [
        "# -*- coding: latin-1 -*-\nimport numpy as np\nx_jax = np.ones(3)  # é\n",
        "# -*- coding: latin-1 -*-\nimport numpy as np\nx_jax = np.ones(3)  # 日本\n",
        "import numpy as np\r\n\r\nx_jax = np.ones(3)\r\n",
        "import numpy as np\n\f\nx_jax = np.ones(3)",
    ],
    ids=["latin-1", "not latin-1", "carriage returns", "form feed"],
)
def test_odd_texts(editor, text):
    client = editor()
    uri = client.open("odd.py", text)
    assert codes(client.diagnostics(uri)) == [("SK102", 2)]


@pytest.mark.parametrize(
    "text", ["\0", "\ud800", "# coding: none\n", "(" * 500, "x = " + "-" * 5000 + "1"]
)
def test_unreadable_texts_give_no_findings_and_break_nothing(write, editor, text):
    write(WRONG)
    client = editor()
    bad = client.open("bad.py", text)
    assert client.pull(bad)["items"] == []
    assert client.hover(bad, 0, 0) is None
    assert client.actions(bad, 0) == []
    assert codes(client.diagnostics(client.open("main.py"))) == [("SK102", 4)]


def test_a_thousand_open_files(editor):
    client = editor()
    uris = [client.open(f"part{number}.py", WRONG) for number in range(1000)]
    found = {codes(client.pull(uri)["items"])[0] for uri in (uris[0], uris[-1])}
    assert found == {("SK102", 4)}
    start = time.monotonic()
    client.change(uris[500], (0, 0, 0, 0, "\n"))
    assert codes(client.pull(uris[500])["items"]) == [("SK102", 5)]
    assert time.monotonic() - start < 30


# --- clients


def test_requests_about_files_that_are_not_open_are_answered(write, editor):
    write(WRONG)
    client = editor()
    uri = client.uri("main.py")
    assert codes(client.pull(uri)["items"]) == [("SK102", 4)]
    other = client.uri("none.py")
    assert client.pull(other)["items"] == []
    assert client.hover(other, 0, 0) is None
    assert client.hints(other) == []
    assert client.actions(other, 0) == []
    assert client.request("textDocument/documentSymbol", textDocument={"uri": other}) == []


def test_changes_of_what_was_never_opened_are_taken(editor):
    client = editor()
    uri = client.uri("main.py")
    client.notify(
        "textDocument/didChange",
        textDocument={"uri": uri, "version": 3},
        contentChanges=[{"range": span(5, 5, 9, 9), "text": WRONG}],
    )
    assert codes(client.pull(uri)["items"]) == [("SK102", 4)]
    client.close(uri)
    client.close(uri)


def test_a_client_that_goes_by_the_protocol_ends_the_server(connect):
    client = connect()
    client.initialize()
    assert client.stop() == 0
    assert client.errors == ""


@pytest.mark.parametrize("is_reading", [False, True])
def test_a_client_that_dies_ends_the_server(write, connect, is_reading):
    write(WRONG)
    client = connect()
    client.initialize()
    if is_reading:
        client.open("main.py")
    else:
        client.read()
    client.process.stdin.close()
    assert client.process.wait(30) == 1
    assert "Traceback" not in client.errors


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="no /proc here")
def test_an_idle_server_takes_no_time(write, connect):
    write(WRONG)
    client = connect()
    client.initialize()
    client.read()

    def ticks():
        fields = Path(f"/proc/{client.process.pid}/stat").read_text().rpartition(")")[2].split()
        return int(fields[11]) + int(fields[12])

    before, end = -1, time.monotonic() + 30
    while ticks() != before and time.monotonic() < end:  # the cache is written still
        before = ticks()
        time.sleep(0.5)
    before = ticks()
    time.sleep(2)
    assert ticks() - before <= os.sysconf("SC_CLK_TCK") // 50


def test_without_pygls_the_command_names_the_extra(monkeypatch, capsys, tmp_path):
    code = "import sys; sys.modules['pygls'] = None; from sekisho.__main__ import main; main(['server'])"
    source = str(Path(serving.__file__).parents[1])
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PYTHONPATH": source},
    )
    assert done.returncode == 2
    assert done.stderr.endswith(
        "sekisho server: error: the language server needs pygls: install sekisho[editor]\n"
    )
    assert done.stderr.count("\n") == 1


def test_a_file_that_another_program_has_written_is_in_the_workspace_when_it_is_opened(
    write, editor
):
    write("from helping import give\n\n\ndef take():\n    x_jax = give()\n    return x_jax\n")
    client = editor()
    main = client.read()
    write("import numpy as np\n\n\ndef give():\n    return np.ones(3)\n", "helping.py")
    client.open("helping.py")
    assert codes(client.diagnostics(main)) == [("SK102", 4)]


def test_what_changes_on_disk_lets_a_client_that_pulls_ask_again(write, editor, tmp_path):
    write("from helping import give\n\n\ndef take():\n    x_jax = give()\n    return x_jax\n")
    refresh = {"refreshSupport": True}
    client = editor(
        tmp_path,
        capabilities={
            "textDocument": {"diagnostic": {}},
            "workspace": {"diagnostics": refresh, "inlayHint": refresh},
        },
    )
    main = client.read()
    client.requests.clear()
    write("import numpy as np\n\n\ndef give():\n    return np.ones(3)\n", "helping.py")
    moved(client, ("helping.py", 1))
    assert codes(client.pull(main)["items"]) == [("SK102", 4)]
    client.hover(main, 0, 0)
    assert {each["method"] for each in client.requests} == {
        "workspace/diagnostic/refresh",
        "workspace/inlayHint/refresh",
    }
