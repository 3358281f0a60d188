"""``adopt --write`` leaves files as they were, or as the second run has confirmed them."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time

import pytest

from sekisho.__main__ import main
from sekisho.writing import find_journal

pytest.importorskip("libcst")

PROGRAM = """
    import os
    import sys
    import time

    import numpy as np
    {imports}

    for n in (2, 3, 4):
        for one in ones:
            one(np.ones((n, n + 3)))
    if "SEKISHO_REFUSALS" in os.environ:
        open("second", "w").close()
        {then}
    """


@pytest.fixture
def tree(write):
    """Ten files, and a program that does something else when it runs under the guards."""

    def tree(then="pass", count=10):
        paths = [
            write(f"shop/m{i}.py", "def one(x):\n    return x\n" + "# a line\n" * 100)
            for i in range(count)
        ]
        write("shop/__init__.py", "")
        names = ", ".join(f"m{i}" for i in range(count))
        imports = f"from shop import {names}; ones = [m.one for m in ({names},)]"
        write("program.py", PROGRAM.format(imports=imports, then=then))
        return paths

    return tree


@pytest.fixture
def run_check(capfd):
    def run_check(*arguments):
        with pytest.raises(SystemExit) as ended:
            main(["check", *arguments])
        return ended.value.code, capfd.readouterr().err

    return run_check


def begin(*arguments):
    command = [sys.executable, "-m", "sekisho", "adopt", "shop", "--force", *arguments]
    return subprocess.Popen(
        [*command, "--", "program.py"], stderr=subprocess.PIPE, text=True, start_new_session=True
    )


def wait_for(path, seconds=60):
    end = time.monotonic() + seconds
    while not path.exists():
        assert time.monotonic() < end
        time.sleep(0.01)


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such signals")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_in_the_second_run_puts_the_files_back_and_says_so(tree, tmp_path, number):
    paths = tree("time.sleep(60)")
    before = [path.read_bytes() for path in paths]
    with begin("--write") as process:
        wait_for(tmp_path / "second")
        assert [path.read_bytes() for path in paths] != before
        process.send_signal(number)
        _, err = process.communicate(timeout=30)
    assert process.returncode == -number
    assert [path.read_bytes() for path in paths] == before
    assert err == "sekisho: interrupted. The files are as they were.\n"
    assert find_journal([tmp_path]) is None
    assert max(os.listdir(tmp_path / "shop")) == "m9.py"


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="Windows has no such signals")
def test_after_a_run_that_was_killed_the_next_one_offers_to_restore(tree, tmp_path, adopt, capfd):
    paths = tree("time.sleep(60)")
    before = [path.read_bytes() for path in paths]
    with begin("--write") as process:
        wait_for(tmp_path / "second")
        os.killpg(process.pid, signal.SIGKILL)
    assert [path.read_bytes() for path in paths] != before
    status, _, err = adopt("shop", "--", "program.py")
    assert status == 2
    assert f"hint: python -m sekisho restore {tmp_path / 'shop'} puts the files back" in err
    assert main(["restore", "shop"]) == 0
    assert f"as it was: {paths[0]}\n" in capfd.readouterr().out
    assert [path.read_bytes() for path in paths] == before
    assert main(["restore", "shop"]) == 0
    assert capfd.readouterr().out == "there is nothing to restore\n"
    assert adopt("shop", "--", "program.py")[0] == 0


def test_a_file_that_an_editor_saves_during_the_first_run_is_not_read(write, adopt):
    path = write("one.py", "def one(x):\n    return x\n")
    write(
        "program.py",
        """
        import numpy as np
        from one import one

        one(np.ones(3))
        with open("one.py", "a") as file:
            file.write("# edited\\n")
        """,
    )
    status, out, err = adopt("one.py", "--write", "--", "program.py")
    assert path.read_text("utf-8") == "def one(x):\n    return x\n# edited\n"
    assert (status, out) == (0, "")
    assert "not read: one.py: it was changed while the command ran\n" in err


def test_a_file_that_an_editor_saves_during_the_second_run_stays(tree, adopt, tmp_path):
    paths = tree("open('shop/m3.py', 'w').write('edited = 1\\n')")
    status, out, err = adopt("shop", "--write", "--", "program.py")
    assert status == 1
    assert paths[3].read_text("utf-8") == "edited = 1\n"
    assert "@sk.same_world" in paths[4].read_text("utf-8")
    assert f"left alone: {paths[3]}: it was changed meanwhile\n" in err
    assert "shop/m3.py" not in out


@pytest.mark.parametrize("mode", ["w", "a"], ids=["replaced", "beside the contracts"])
def test_a_file_that_an_editor_saves_is_not_put_back_over(tree, adopt, mode):
    """The second run fails, and no contract is the cause."""
    paths = tree(f"open('shop/m3.py', {mode!r}).write('edited = 1\\n'); sys.exit(4)")
    before = paths[4].read_bytes()
    status, _, err = adopt("shop", "--write", "--", "program.py")
    assert status == 1
    assert paths[3].read_text("utf-8").endswith("edited = 1\n")
    assert paths[4].read_bytes() == before
    (kept,) = paths[3].parent.glob(".sekisho*")
    assert kept.read_bytes() == before
    assert err.endswith(
        "and no contract is to blame. All other files are as they were.\n"
        f"sekisho: left alone: {paths[3]}: it was changed meanwhile; its old text is in {kept}\n"
    )


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such signals")
def test_an_interrupted_run_names_the_file_that_an_editor_has_saved(tree, tmp_path):
    paths = tree("time.sleep(60)")
    before = paths[3].read_bytes()
    with begin("--write") as process:
        wait_for(tmp_path / "second")
        paths[3].write_text("edited = 1\n", "utf-8")
        process.send_signal(signal.SIGTERM)
        _, err = process.communicate(timeout=30)
    (kept,) = paths[3].parent.glob(".sekisho*")
    assert kept.read_bytes() == before
    assert err == (
        "sekisho: interrupted. All other files are as they were.\n"
        f"sekisho: left alone: {paths[3]}: it was changed meanwhile; its old text is in {kept}\n"
    )


def test_a_file_that_an_editor_saves_in_a_round_that_fails_is_named_at_the_end(write, adopt):
    """The first contract is rejected, so the command runs three times; the edit is in the second."""
    path = write("one.py", "def one(x):\n    return x\n")
    other = write(
        "two.py",
        """
        def one(x):
            if x.ndim != 2:
                raise ValueError("two axes")
            return x.T
        """,
    )
    write(
        "program.py",
        """
        import os

        import numpy as np
        import one, two

        for n in (2, 3, 4):
            one.one(np.ones((n, n + 3)))
            two.one(np.ones((n, n + 3)))
        if "SEKISHO_REFUSALS" in os.environ and not os.path.exists("second"):
            open("second", "w").close()
            open("one.py", "a").write("# edited\\n")
        try:
            two.one(np.ones(3))
        except ValueError as error:
            assert str(error) == "two axes", error
        """,
    )
    status, out, err = adopt(".", "--write", "--", "program.py")
    (kept,) = path.parent.glob(".sekisho*")
    assert status == 1
    assert path.read_text("utf-8").endswith("# edited\n")
    assert f"left alone: {path}: it was changed meanwhile; its old text is in {kept}\n" in err
    assert "one.py" not in out
    assert "import sekisho" in other.read_text("utf-8")


def test_a_file_that_cannot_be_written_is_named_and_the_others_are_written(tree, adopt):
    paths = tree()
    before = paths[3].read_bytes()
    paths[3].chmod(0o444)
    status, _, err = adopt("shop", "--write", "--", "program.py")
    assert status == 1
    assert f"left alone: {paths[3]}: it is read-only\n" in err
    assert paths[3].read_bytes() == before
    assert "@sk.same_world" in paths[4].read_text("utf-8")


@pytest.mark.skipif(os.name == "nt", reason="there are no such limits")
def test_a_disk_that_takes_no_more_leaves_the_files_as_they_were(tree, tmp_path):
    paths = tree()
    paths[5].write_bytes(paths[5].read_bytes() + b"# x\n" * 20_000)
    before = [path.read_bytes() for path in paths]
    limit = "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (60_000, 60_000))"
    command = f"{limit}; from sekisho.__main__ import main; raise SystemExit(main())"
    arguments = ["adopt", "shop", "--force", "--write", "--", "program.py"]
    done = subprocess.run(
        [sys.executable, "-c", command, *arguments], capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    assert done.stderr.endswith(
        f"[Errno 27] File too large: '{paths[5]}'. The files are as they were.\n"
    )
    assert [path.read_bytes() for path in paths] == before
    assert find_journal([tmp_path]) is None


DEFS = [
    "def \\\n    one(x):\n    return x.shape and x\n",
    "def one \\\n    (x) \\\n    :\n    return x.shape and x\n",
    "async \\\ndef \\\n  one(x):\n    return x.shape and x\n",
    "def one(x): return x.shape and x\n",
    "def one(x):\treturn x.shape and x; \\\n\n",
    "if True:\n\tdef one(x):\n\t\treturn x.shape and x\n",
    "@\\\nlogged\ndef \\\none(x):\n    return x.shape and x\n",
    "def one( # why\n    x\n    # because\n): return (\n  x.shape and x)",
    "def one(x,): return x.shape and x",
]


@pytest.mark.parametrize("text", DEFS)
@pytest.mark.parametrize("newline", ["\n", "\r\n"])
def test_every_form_of_def_is_written(write, adopt, text, newline):
    path = write("odd.py", "")
    source = "def logged(f): return f\n\n" + text
    path.write_bytes(source.replace("\n", newline).encode())
    write(
        "program.py",
        """
        import asyncio
        import numpy as np
        from odd import one

        for n in (2, 3, 4):
            done = one(np.ones((n, n + 3)))
            if asyncio.iscoroutine(done):
                asyncio.run(asyncio.wait_for(done, None))
        """,
    )
    status, _, err = adopt("odd.py", "--write", "--", "program.py")
    assert status == 0, err
    written = path.read_bytes().decode()
    assert "@sk.same_world" in written
    assert "x: Real[" in written
    assert written.count("\n") == written.count(newline)
    assert written.endswith(source[-10:].replace("\n", newline))


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("\x0cdef one(x):\n    return x\n", "libcst cannot keep the file as it is"),
        (None, "libcst cannot read line 1 of the file"),
    ],
)
def test_what_the_writer_cannot_keep_or_read_is_listed(write, adopt, monkeypatch, text, why):
    import libcst as cst

    path = write("odd.py", text or "def one(x):\n    return x\n")
    if text is None:  # as if Python's syntax were newer than libcst

        def refuse(_text):
            raise cst.ParserSyntaxError("no", lines=[""], raw_line=1, raw_column=0)

        monkeypatch.setattr(cst, "parse_module", refuse)
    before = path.read_bytes()
    write("program.py", "import numpy as np\nfrom odd import one\none(np.ones(2))\n")
    status, out, err = adopt("odd.py", "--write", "--", "program.py")
    assert (status, out) == (0, "")
    assert f"one(): left out: {why}\n" in err
    assert path.read_bytes() == before


def test_a_function_that_the_writer_does_not_find_is_listed_and_no_import_is_written(
    write, adopt, monkeypatch
):
    from sekisho.adoption import rewriting

    make = rewriting._make_writer

    def blind(edits, width):
        rest = {line: edits.pop(line) for line in [*edits] if line == 1}
        writer = make(edits, width)
        edits |= rest
        return writer if not rest else make({}, width)

    write("odd.py", "def one(x):\n    return x\n")
    write("program.py", "import numpy as np\nfrom odd import one\none(np.ones(2))\n")
    monkeypatch.setattr(rewriting, "_make_writer", blind)
    status, out, err = adopt("odd.py", "--", "program.py")
    assert (status, out) == (0, "")
    assert "one(): left out: it is not found in the file as libcst reads it\n" in err


@pytest.mark.parametrize(
    ("head", "encoding"),
    [
        (b"\xef\xbb\xbf", "utf-8"),
        (b"\xef\xbb\xbf# -*- coding: utf-8 -*-\n", "utf-8"),
        (b"# vim: set fileencoding=latin-1 :\n", "latin-1"),
        (b"#!/usr/bin/python\n# coding: cp1252\n", "cp1252"),
        (b"# coding: euc-jp\n", "euc-jp"),
    ],
)
@pytest.mark.parametrize("newline", [b"\n", b"\r\n"])
def test_encoding_byte_order_mark_and_line_ends_stay(write, adopt, head, encoding, newline):
    path = write("odd.py", "")
    word = "門" if encoding == "euc-jp" else "é"
    text = head + f"WORD = '{word}'\n\n\ndef one(x):\n    return x".encode(encoding)
    path.write_bytes(text.replace(b"\n", newline))
    write("program.py", "import numpy as np\nfrom odd import one\none(np.ones(2))\n")
    status, _, err = adopt("odd.py", "--write", "--", "program.py")
    assert status == 0, err
    data = path.read_bytes()
    assert data.startswith(head.replace(b"\n", newline))
    assert f"WORD = '{word}'".encode(encoding) in data
    assert b"@sk.same_world" in data
    assert data.endswith(b"return x")
    assert data.count(b"\n") == data.count(newline)


def test_without_git_writing_asks_for_force(tree, adopt, monkeypatch):
    paths = tree()
    before = [path.read_bytes() for path in paths]
    status, _, err = adopt("shop", "--write", "--", "program.py", forced=False)
    assert status == 2
    assert (
        "shop is in no git repository, and nothing else could bring it back once it is written"
        in err
    )
    assert "hint: git init, and commit it, or --force" in err
    monkeypatch.setenv("PATH", "")  # without git
    assert adopt("shop", "--write", "--", "program.py", forced=False)[0] == 2
    assert [path.read_bytes() for path in paths] == before


def test_a_file_that_git_does_not_know_asks_for_force_too(tree, adopt, tmp_path):
    tree()
    subprocess.run(["git", "-C", str(tmp_path), "init", "-q"], check=True)
    status, _, err = adopt("shop", "--write", "--", "program.py", forced=False)
    assert status == 2
    assert "there are uncommitted changes, and writing would mix with them:\n" in err
    assert "?? m0.py\n" in err


# --- what the project says of itself ---------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (b"[tool", "pyproject.toml is no TOML: "),
        (b"tool = 3", "pyproject.toml: [tool] is a table of tables, got 3."),
        (b"\xff\xfe", "pyproject.toml is no TOML: "),
    ],
)
def test_a_broken_pyproject_is_named_before_the_command_runs(write, adopt, run_check, text, said):
    write("one.py", "def one(x):\n    return x\n")
    write("program.py", "open('ran', 'w')\n")
    path = write("pyproject.toml", "")
    path.write_bytes(text)
    status, _, err = adopt("one.py", "--", "program.py")
    assert status == 2
    assert said in err
    assert not (path.parent / "ran").exists()
    status, err = run_check("one.py")
    assert status == 2
    assert said in err


@pytest.mark.parametrize(
    ("text", "width"),
    [
        ("[tool.ruff]\nline-length = 120", 120),
        ("[tool.black]\nline-length = 90", 90),
        ("[tool.ruff]\nline-length = 'wide'\n[tool.black]\nline-length = 90", 90),
        ("[tool]\nruff = 1", 88),
        ("[tool.sekisho.check]\nselect = ['SK']", 88),
    ],
)
def test_the_width_of_a_line_is_that_of_the_nearest_pyproject(write, tmp_path, text, width):
    from sekisho.adopting import _width_of

    write("shop/pyproject.toml", text)
    write("pyproject.toml", "[tool.ruff]\nline-length = 70")
    write("shop/one.py", "")
    assert _width_of(str(tmp_path / "shop"), None) == width
    assert _width_of(str(tmp_path / "shop" / "one.py"), None) == width
