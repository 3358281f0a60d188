"""Files, folders and streams that fail: each command says so in one line, and damages nothing."""

from __future__ import annotations

import json
import os
import shutil
import stat
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from sekisho.writing import Change, RestoreError, Transaction, find_journal, restore

LIE = "import torch\n\n\ndef f(n):\n    w_np = torch.ones(n)\n    return w_np\n"
MENDED = LIE.replace("w_np", "w_tensor")
not_on_windows = pytest.mark.skipif(os.name == "nt", reason="it has other devices and users")
needs_root = pytest.mark.skipif(
    getattr(os, "geteuid", lambda: 1)() != 0, reason="only root may change user"
)


@pytest.fixture(autouse=True)
def _cache(read_cache): ...


@pytest.fixture
def folder(tmp_path, torch):
    (tmp_path / "a.py").write_text(LIE, "utf-8")
    return tmp_path


def run(folder, line):
    """Run a line of a shell in which ``sekisho`` uses this Python."""
    command = ["/bin/sh", "-c", f'sekisho() {{ "{sys.executable}" -m sekisho "$@"; }}; {line}']
    return subprocess.run(command, capture_output=True, text=True, check=False, cwd=folder)


# --- what is written for the user


@not_on_windows
@pytest.mark.parametrize(
    ("command", "said"),
    [
        ("map a.py --quiet --html taken", "[Errno 21] Is a directory: 'taken'"),
        ("map a.py --quiet --json /dev/full", "[Errno 28] No space left on device"),
        (
            "check a.py --write-baseline --baseline taken",
            "[Errno 21] Is a directory: 'taken'",
        ),
        (
            "check a.py --write-baseline --baseline no/such",
            "[Errno 2] No such file or directory: 'no/such'",
        ),
        ("check a.py --write-baseline --baseline /dev/full", "[Errno 28] No space left on device"),
    ],
)
def test_a_report_that_cannot_be_written_is_named_in_a_line(folder, command, said):
    (folder / "taken").mkdir()
    done = run(folder, f"sekisho {command}")
    assert done.returncode == 1
    assert (
        done.stderr.replace(f"{folder}", "{folder}").splitlines()[-1].startswith(f"sekisho: {said}")
    )
    assert done.stderr.count("\n") == 1
    assert sorted(os.listdir(folder)) == ["a.py", "taken"]


COMMANDS = [
    "check a.py",
    "check a.py --format json",
    "check a.py --fix",
    "check a.py --add-ignore --diff",
    "check a.py --fix --force",
    "map a.py",
    "restore",
    "clean",
    "crossings a.py",
    "adopt a.py -- program.py",
]


@not_on_windows
@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize(
    "streams", [">/dev/full", ">/dev/full 2>/dev/full", ">&-", "2>&-", "<&- >&- 2>&-", "| true"]
)
@pytest.mark.slow
def test_streams_that_are_full_or_closed(folder, command, streams):
    """At most one line is lost, no traceback is printed, and all files are written."""
    pytest.importorskip("libcst")
    (folder / "program.py").write_text("import a\na.f(3)\n", "utf-8")
    done = run(folder, f"sekisho {command} {streams}")
    assert "Traceback" not in done.stderr
    assert "Exception ignored" not in done.stderr
    assert (folder / "a.py").read_text("utf-8") == (MENDED if "--force" in command else LIE)
    assert find_journal([folder]) is None


@not_on_windows
def test_files_that_were_written_are_not_said_to_be_as_they_were(folder):
    """The transaction is complete before printing the summary fails."""
    pytest.importorskip("libcst")
    script = (
        "import sys\nfrom sekisho.__main__ import main\n"
        "sys.stderr = open('/dev/full', 'w', buffering=1)\n"
        "try:\n    main(['check', 'a.py', '--fix', '--force'])\n"
        "except OSError as error:\n    print(error.strerror)\n"
        "import os; os._exit(0)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=False, cwd=folder
    )
    assert done.stdout.endswith("No space left on device\n") or not done.stdout
    assert (folder / "a.py").read_text("utf-8") == MENDED


@not_on_windows
@pytest.mark.parametrize("command", ["check .", "check ../a.py", "map ..", "restore", "clean"])
def test_a_folder_that_was_removed_under_the_command(folder, command):
    (folder / "gone").mkdir()
    done = run(folder, f"cd gone && rmdir ../gone && sekisho {command}")
    assert done.returncode == 2
    assert done.stderr.endswith(
        "error: the folder that this runs in was removed\n  hint: cd to another one\n"
    )


@not_on_windows
def test_a_device_without_an_end_is_not_read_for_ever(folder):
    done = run(folder, "sekisho check /dev/zero")
    assert done.stderr == "sekisho: not read: /dev/zero: it is larger than 8 MB\n"


# --- folders of the user's


AS_NOBODY = """
import os, sys
from sekisho.writing import Change, Transaction, find_journal
path = sys.argv[1]
os.chmod(".", 0o755)
os.setgid(65534)
os.setuid(65534)
try:
    with Transaction([Change(path, b"old", b"new")]) as transaction:
        transaction.commit()
except OSError as error:
    print(error.strerror)
else:
    print(transaction.left_alone.get(path))
"""


@not_on_windows
@needs_root
@pytest.mark.parametrize(
    ("mode", "said"),
    [(0o555, "Permission denied"), (0o700, "it cannot be read: Permission denied")],
)
def test_a_folder_in_which_nothing_may_be_written(mode, said):
    """The file belongs to the user, but the folder does not."""
    folder = Path(tempfile.mkdtemp())  # pytest's own folder is not accessible for others
    inner = folder / "inner"
    inner.mkdir()
    path = inner / "b.py"
    path.write_bytes(b"old")
    os.chown(path, 65534, 65534)
    inner.chmod(mode)
    command = [sys.executable, "-c", AS_NOBODY, "inner/b.py"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=folder)
    assert (done.stdout, done.stderr) == (f"{said}\n", "")
    assert path.read_bytes() == b"old"
    assert os.listdir(inner) == ["b.py"]
    assert find_journal([folder]) is None
    shutil.rmtree(folder)


def test_a_folder_that_vanishes_between_reading_and_writing(tmp_path):
    changes = []
    for name in ("a/one.py", "b/two.py"):
        (tmp_path / name).parent.mkdir()
        (tmp_path / name).write_bytes(b"old")
        changes.append(Change(str(tmp_path / name), b"old", b"new"))
    shutil.rmtree(tmp_path / "a")
    with Transaction(changes) as transaction:
        shutil.rmtree(tmp_path / "b")  # inside the block, too
    assert transaction.left_alone == {
        changes[0].path: "it is gone",
        changes[1].path: "it is gone, with its folder",
    }
    assert os.listdir(tmp_path) == []


def test_a_folder_that_vanishes_while_files_are_replaced(tmp_path, monkeypatch):
    from sekisho.writing import transaction as module

    changes = []
    for name in ("a/one.py", "b/two.py"):
        (tmp_path / name).parent.mkdir()
        (tmp_path / name).write_bytes(b"old")
        changes.append(Change(str(tmp_path / name), b"old", b"new"))
    real = module.create_like

    def slow(target, new, data):
        shutil.rmtree(tmp_path / "b", ignore_errors=True)
        real(target, new, data)

    monkeypatch.setattr(module, "create_like", slow)
    with pytest.raises(FileNotFoundError):
        Transaction(changes).__enter__()
    assert (tmp_path / "a" / "one.py").read_bytes() == b"old"
    assert os.listdir(tmp_path) == ["a"]
    assert os.listdir(tmp_path / "a") == ["one.py"]


@pytest.mark.parametrize("kind", ["link to a folder", "link chain", "link from elsewhere"])
def test_links_are_kept_and_what_they_lead_to_is_replaced(tmp_path, kind):
    real = tmp_path / "real" / "one.py"
    real.parent.mkdir()
    real.write_bytes(b"old")
    (tmp_path / "seen").mkdir()
    path = tmp_path / "seen" / "one.py"
    if kind == "link to a folder":
        (tmp_path / "other").symlink_to("real", target_is_directory=True)
        path = tmp_path / "other" / "one.py"
    elif kind == "link chain":
        (tmp_path / "middle").symlink_to("real/one.py")
        path.symlink_to("../middle")
    else:
        path.symlink_to(real)
    links = {each for each in tmp_path.rglob("*") if each.is_symlink()}
    with Transaction([Change(str(path), b"old", b"new")]) as transaction:
        transaction.commit()
    assert real.read_bytes() == b"new"
    assert {each for each in tmp_path.rglob("*") if each.is_symlink()} == links
    assert stat.S_ISREG(real.lstat().st_mode)


# --- a journal that is none of ours


def journal_of(**fields):
    row = {"target": "t", "new": "n", "old": "o", "before": "", "after": "", **fields}
    return json.dumps({"files": [row]})


@pytest.mark.parametrize(
    "text",
    [
        *("hello", "[]", "3", "{}", '{"files": 3}', '{"files": [3]}', "[" * 100_000, "\x00"),
        '{"files": [{"target": "x"}]}',
        journal_of(target=1),
        journal_of(new="precious", old="precious"),
        journal_of(target="{folder}/kept", new="{folder}/precious", old="{folder}/precious"),
        journal_of(
            target="{folder}/kept",
            new="{folder}/other/.sekisho-0123456789abcdef-0.new",
            old="{folder}/.sekisho-0123456789abcdef-0.old/../precious",
        ),
    ],
)
def test_a_journal_may_come_with_a_repository_and_name_any_file(tmp_path, text):
    """`check` suggests `restore`, which only removes and replaces what a transaction makes."""
    (tmp_path / "precious").write_bytes(b"")
    (tmp_path / "kept").write_bytes(b"")
    (tmp_path / ".sekisho-journal").write_text(
        text.replace("{folder}", tmp_path.as_posix()) + "\n", "utf-8"
    )
    with pytest.raises(RestoreError, match=r"is damaged, and nothing was changed"):
        restore(find_journal([tmp_path]))
    assert sorted(os.listdir(tmp_path)) == [".sekisho-journal", "kept", "precious"]
