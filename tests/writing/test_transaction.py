"""Files are replaced all together or not at all, whatever fails and whenever."""

from __future__ import annotations

import contextlib
import os
import shutil
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from sekisho.writing import Change, RestoreError, Transaction, find_journal, replace_file, restore

NAMES = [f"m{number}.py" for number in range(4)]
CALLS = {"open", "write", "fsync", "replace", "link", "unlink", "chown", "ftruncate", "close"}
MODULES = ("atomic", "journal", "transaction")


class Killed(BaseException):
    """The process is gone: none of its cleanup runs."""


class Faulty:
    """`os` with a failure at the n-th call that touches the disk."""

    def __init__(self, at, *, forever=False, error=None):
        self.at, self.forever = at, forever
        self.error = error or OSError(28, "No space left on device")
        self.count = 0

    def __getattr__(self, name):
        real = getattr(os, name)
        if name not in CALLS:
            return real

        def call(*args, **kwargs):
            self.count += 1
            if self.count == self.at or (self.forever and self.count > self.at):
                if name == "close":  # closing succeeds, whatever else fails
                    real(*args)
                raise self.error
            if name == "fsync":  # slow, and these tests have no power failures
                return None
            return real(*args, **kwargs)

        return call

    @property
    def came(self):
        return self.count >= self.at


def make(folder):
    folder.mkdir()
    for name in NAMES:
        (folder / name).write_bytes(f"old {name}\n".encode())
    return [Change(str(folder / n), (folder / n).read_bytes(), b"new " + n.encode()) for n in NAMES]


def state(folder):
    """Return old, new or mixed, and any other content."""
    words = {(folder / name).read_bytes().split()[0].decode() for name in NAMES}
    return words.pop() if len(words) == 1 else "mixed", set(os.listdir(folder)) - set(NAMES)


def replace_all(changes, *, commits=True):
    with Transaction(changes) as transaction:
        if commits:
            transaction.commit()
    return transaction


def patch(monkeypatch, fault):
    for name in MODULES:
        monkeypatch.setattr(f"sekisho.writing.{name}.os", fault)


def test_all_files_are_replaced(tmp_path):
    changes = make(tmp_path / "a")
    assert replace_all(changes).is_committed
    assert state(tmp_path / "a") == ("new", set())


def test_what_is_not_committed_is_put_back_itself(tmp_path):
    changes = make(tmp_path / "a")
    before = os.stat(changes[0].path)
    with Transaction(changes):
        assert state(tmp_path / "a")[0] == "new"
    assert state(tmp_path / "a") == ("old", set())
    after = os.stat(changes[0].path)
    assert (before.st_ino, before.st_mtime_ns) == (after.st_ino, after.st_mtime_ns)


@pytest.mark.parametrize("links", [True, False], ids=["links", "no links"])
@pytest.mark.parametrize("commits", [True, False], ids=["commits", "puts back"])
@pytest.mark.parametrize("forever", [False, True], ids=["once", "from then on"])
def test_a_disk_that_fails_at_any_call_leaves_all_old_or_all_new(
    tmp_path, monkeypatch, forever, commits, links
):
    """Like SQLite's tests: fail at each call in turn, until none is left."""
    at, outcomes = 0, set()
    while True:
        at += 1
        folder = tmp_path / str(at)
        changes = make(folder)
        fault = Faulty(at, forever=forever)
        with monkeypatch.context() as patched:
            patch(patched, fault)
            if not links:
                patched.setattr(os, "link", lambda *_: (_ for _ in ()).throw(OSError(95, "no")))
            try:
                replace_all(changes, commits=commits)
                raised = False
            except (OSError, RestoreError):
                raised = True
        if not fault.came:
            break
        journal = find_journal([folder])
        if journal is not None:
            restore(journal)
        found = state(folder)
        assert found[0] in ({"old", "new"} if commits else {"old"}), (at, found)
        assert not [name for name in found[1] if name.endswith("journal")]
        assert raised or found[0] == ("new" if commits else "old"), at
        if not forever:
            assert found[1] == set(), (at, found)
        outcomes.add(found[0])
    assert at > 30
    assert outcomes == ({"old", "new"} if commits else {"old"})


@pytest.mark.parametrize("commits", [True, False], ids=["commits", "puts back"])
def test_a_process_that_is_killed_at_any_call_leaves_a_journal_that_mends_it(
    tmp_path, monkeypatch, commits
):
    at, outcomes = 0, set()
    while True:
        at += 1
        folder = tmp_path / str(at)
        changes = make(folder)
        fault = Faulty(at, forever=True, error=Killed())
        with monkeypatch.context() as patched:
            patch(patched, fault)
            try:
                transaction = Transaction(changes)
                with transaction:
                    if commits:
                        transaction.commit()
            except Killed:
                pass
            finally:
                if transaction._journal is not None:
                    os.close(transaction._journal._descriptor)
        if not fault.came:
            break
        journal = find_journal([folder])
        if journal is not None:
            # The restoring process is killed at some call, too, and the next one continues.
            with monkeypatch.context() as patched:
                patch(patched, Faulty(at % 7 + 1, forever=True, error=Killed()))
                with contextlib.suppress(Killed):
                    restore(journal)
            journal = find_journal([folder])
            if journal is not None:
                restore(journal)
        found = state(folder)
        assert found in [("old", set()), ("new", set())], (at, found)
        outcomes.add(found[0])
    assert outcomes == ({"old", "new"} if commits else {"old"})


KILLED = """
import os, signal, sys, time
from pathlib import Path
from sekisho.writing import Change, Transaction, find_journal, restore

folder = Path(sys.argv[1])
found = []


def write_for_ever():
    while True:
        for one, other in [(b"old", b"new"), (b"new", b"old")]:
            data = [(str(p), p.read_bytes()) for p in sorted(folder.glob("m*.py"))]
            changes = [Change(path, text, text.replace(one, other)) for path, text in data]
            with Transaction(changes) as transaction:
                transaction.commit()


for moment in range(50):
    pid = os.fork()
    if not pid:
        write_for_ever()
    time.sleep(0.003 + 0.0017 * moment % 0.05)
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
    journal = find_journal([folder])
    found.append(journal is not None)
    if journal is not None:
        restore(journal)
    assert len({p.read_bytes() for p in folder.glob("m*.py")}) == 1, moment
    assert len(os.listdir(folder)) == 10, moment
print(sum(found))
"""


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")
def test_a_process_that_is_killed_at_fifty_random_moments_leaves_all_old_or_all_new(tmp_path):
    folder = tmp_path / "tree"
    folder.mkdir()
    for number in range(10):
        (folder / f"m{number}.py").write_bytes(b"old\n" * 2_000)
    command = [sys.executable, "-c", KILLED, str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert done.stderr == ""
    assert int(done.stdout) > 10  # that many were killed in the middle


def run_script(script, folder):
    """Run code in its own process, with the folder as its argument."""
    return subprocess.run(
        [sys.executable, "-c", script, str(folder)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such signals")
@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM", "SIGHUP"])
@pytest.mark.parametrize("when", ["while files are replaced", "in the block"])
def test_signals_wait_until_the_files_are_in_order(tmp_path, name, when):
    folder = tmp_path / "tree"
    make(folder)
    script = f"""
import os, signal, sys, time
import sekisho.writing.transaction as module
from sekisho.writing import Change, Transaction, ending_signals_raise
from pathlib import Path

folder = Path(sys.argv[1])
changes = [Change(str(p), p.read_bytes(), b"new") for p in folder.glob("*.py")]
seen = []

class Signalling:
    def __getattr__(self, name):
        if name == "replace":
            seen.append(1)
            if len(seen) == 2:
                os.kill(os.getpid(), signal.{name})
        return getattr(os, name)

if {when!r} != "in the block":
    module.os = Signalling()
with ending_signals_raise():
    try:
        with Transaction(changes) as transaction:
            print([p.read_bytes() for p in folder.glob("*.py")].count(b"new"), flush=True)
            if {when!r} == "in the block":
                os.kill(os.getpid(), signal.{name})
                time.sleep(5)
            transaction.commit()
    except KeyboardInterrupt:
        print("interrupted", transaction.is_committed if {when!r} == "in the block" else len(seen))
"""
    done = run_script(script, folder)
    assert done.stderr == ""
    said = "4\ninterrupted False\n" if when == "in the block" else "interrupted 4\n"
    assert done.stdout == said
    assert state(folder) == ("old", set())


# --- the files, one by one -------------------------------------------------------------------------


def test_a_file_that_was_changed_meanwhile_is_left_alone_and_named(tmp_path):
    changes = make(tmp_path / "a")
    (tmp_path / "a" / "m1.py").write_bytes(b"edited")
    (tmp_path / "a" / "m2.py").unlink()
    transaction = replace_all(changes)
    assert transaction.left_alone == {
        changes[1].path: "it was changed meanwhile",
        changes[2].path: "it is gone",
    }
    assert (tmp_path / "a" / "m1.py").read_bytes() == b"edited"
    assert (tmp_path / "a" / "m0.py").read_bytes() == b"new m0.py"


@pytest.mark.parametrize("commits", [True, False])
def test_an_edit_that_is_saved_in_the_block_stays(tmp_path, commits):
    changes = make(tmp_path / "a")
    with Transaction(changes) as transaction:
        (tmp_path / "a" / "m1.py").write_bytes(b"edited")
        if commits:
            transaction.commit()
    why = transaction.left_alone.pop(changes[1].path)
    assert transaction.left_alone == {}
    assert (tmp_path / "a" / "m1.py").read_bytes() == b"edited"
    assert (tmp_path / "a" / "m0.py").read_bytes() == (b"new m0.py" if commits else b"old m0.py\n")
    kept = [str(tmp_path / "a" / name) for name in os.listdir(tmp_path / "a") if name not in NAMES]
    if commits:
        assert (why, kept) == ("it was changed meanwhile", [])
    else:
        assert why == f"it was changed meanwhile; its old text is in {kept[0]}"
        assert (len(kept), Path(kept[0]).read_bytes()) == (1, b"old m1.py\n")


def test_an_edit_after_a_crash_is_not_put_back_over(tmp_path, monkeypatch):
    folder = tmp_path / "a"
    changes = make(folder)
    transaction = Transaction(changes)
    transaction.__enter__()
    os.close(transaction._journal._descriptor)  # the process is gone
    (folder / "m1.py").write_bytes(b"edited")
    restored = restore(find_journal([folder]))
    assert [*restored.left_alone] == [changes[1].path]
    assert (folder / "m1.py").read_bytes() == b"edited"
    assert len(restored.as_before) == 3


@pytest.mark.parametrize("kind", ["hard link", "read-only", "folder", "loop", "fifo"])
def test_what_cannot_be_replaced_whole_is_left_alone_and_named(tmp_path, kind):
    path = tmp_path / "one.py"
    path.write_bytes(b"old")
    if kind == "hard link":
        os.link(path, tmp_path / "other")
    elif kind == "read-only":
        path.chmod(0o444)
    else:
        path.unlink()
        if kind == "folder":
            path.mkdir()
        elif kind == "fifo":
            os.mkfifo(path)
        else:
            path.symlink_to("one.py")
    transaction = replace_all([Change(str(path), b"old", b"new")])
    said = {
        "hard link": "it has 2 names (hard links)",
        "read-only": "it is read-only",
        "folder": "it is no regular file",
        "fifo": "it is no regular file",
        "loop": "it cannot be read: Too many levels of symbolic links",
    }
    assert transaction.left_alone == {str(path): said[kind]}
    assert not (tmp_path / ".sekisho-journal").exists()


def test_mode_and_symbolic_links_stay(tmp_path):
    path = tmp_path / "inner" / "one.py"
    path.parent.mkdir()
    path.write_bytes(b"old")
    path.chmod(0o750)
    link = tmp_path / "link.py"
    link.symlink_to(path)
    replace_all([Change(str(link), b"old", b"new")])
    assert link.is_symlink()
    assert path.read_bytes() == b"new"
    assert stat.S_IMODE(path.stat().st_mode) == 0o750
    replace_file(link, b"newer")
    assert link.is_symlink()
    assert path.read_bytes() == b"newer"
    assert stat.S_IMODE(path.stat().st_mode) == 0o750


def test_the_owner_stays(tmp_path):
    path = tmp_path / "one.py"
    path.write_bytes(b"old")
    try:
        os.chown(path, 12345, 12345)
    except PermissionError:
        pytest.skip("only root may give a file away")
    replace_all([Change(str(path), b"old", b"new")])
    assert (path.read_bytes(), path.stat().st_uid, path.stat().st_gid) == (b"new", 12345, 12345)


def test_a_new_file_has_the_mode_that_any_other_has(tmp_path):
    (tmp_path / "by_hand").write_bytes(b"")
    replace_file(tmp_path / "by_tool", b"x")
    assert (tmp_path / "by_tool").stat().st_mode == (tmp_path / "by_hand").stat().st_mode
    assert sorted(os.listdir(tmp_path)) == ["by_hand", "by_tool"]


def test_a_name_as_long_as_the_file_system_allows(tmp_path):
    path = tmp_path / ("n" * 252 + ".py")
    path.write_bytes(b"old")
    replace_all([Change(str(path), b"old", b"new")])
    replace_file(path, b"newer")
    assert path.read_bytes() == b"newer"


def test_a_report_is_whole_or_as_it_was(tmp_path, monkeypatch):
    path = tmp_path / "report.json"
    path.write_bytes(b"old")
    at = 0
    while True:
        at += 1
        fault = Faulty(at)
        with monkeypatch.context() as patched:
            patch(patched, fault)
            with contextlib.suppress(OSError):
                replace_file(path, b"new")
        if not fault.came:
            break
        assert path.read_bytes() in {b"old", b"new"}
        path.write_bytes(b"old")
    assert os.listdir(tmp_path) == ["report.json"]


def test_a_report_may_be_a_device():
    replace_file("/dev/null", b"x")
    assert stat.S_ISCHR(os.stat("/dev/null").st_mode)


def test_two_runs_do_not_write_at_once(tmp_path):
    changes = make(tmp_path / "a")
    with Transaction(changes):
        with pytest.raises(FileExistsError):
            replace_all([Change(c.path, c.after, b"third") for c in changes])
        with pytest.raises(BlockingIOError, match="another run of sekisho writes files"):
            restore(find_journal([tmp_path / "a" / "m0.py"]))
        assert state(tmp_path / "a")[0] == "new"
    assert state(tmp_path / "a") == ("old", set())


@pytest.mark.skipif(shutil.which("mount") is None or os.geteuid() != 0, reason="needs root")
def test_a_full_disk(tmp_path):
    small = tmp_path / "small"
    small.mkdir()
    if subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=64k", "none", small], check=False
    ).returncode:
        pytest.skip("nothing may be mounted here")
    try:
        changes = []
        for name in NAMES:
            (small / name).write_bytes(b"old " + b"x" * 8_000)
            changes.append(Change(str(small / name), (small / name).read_bytes(), b"new " * 4_000))
        with pytest.raises(OSError, match="No space left"):
            replace_all(changes)
        assert state(small) == ("old", set())
    finally:
        subprocess.run(["umount", small], check=True)


@pytest.mark.skipif(os.name == "nt", reason="there are no such limits")
def test_a_limit_on_the_size_of_files(tmp_path):
    """``ulimit -f``: the kernel sends a signal, which Python ignores, then returns an error."""
    folder = tmp_path / "a"
    make(folder)
    script = """
import resource, sys
from pathlib import Path
from sekisho.writing import Change, Transaction

resource.setrlimit(resource.RLIMIT_FSIZE, (40_000, 40_000))
folder = Path(sys.argv[1])
changes = [Change(str(p), p.read_bytes(), b"new" * 30_000) for p in folder.glob("*.py")]
try:
    with Transaction(changes) as transaction:
        transaction.commit()
except OSError as error:
    print(error.strerror)
"""
    done = run_script(script, folder)
    assert (done.stdout, done.stderr) == ("File too large\n", "")
    assert state(folder) == ("old", set())


@pytest.mark.parametrize("mark", ["", "pyproject.toml", ".git"])
@pytest.mark.parametrize("names", [["a/b/one.py"], ["a/b/one.py", "a/c/d/two.py"], ["one.py"]])
def test_a_journal_is_found_from_every_folder_of_the_project(tmp_path, names, mark):
    """Independent of its files: the next run may have other paths than the one that was killed."""
    changes = []
    for name in names:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(b"old")
        changes.append(Change(str(tmp_path / name), b"old", b"new"))
    if mark:
        (tmp_path / mark).mkdir()
    transaction = Transaction(changes)
    transaction.__enter__()
    os.close(transaction._journal._descriptor)  # the process is gone
    found = {find_journal([each]) for name in names for each in (tmp_path, tmp_path / name)}
    assert len(found) == 1
    assert find_journal(["nowhere", tmp_path]) in found
    restored = restore(found.pop())
    assert sorted(restored.as_before) == sorted(str(tmp_path / name) for name in names)
    assert (restored.left_alone, restored.failed) == ({}, {})
    assert find_journal([tmp_path]) is None


def test_files_on_two_drives_have_one_journal(tmp_path, monkeypatch):
    changes = make(tmp_path / "a")

    def refuse(_paths):
        raise ValueError("Paths don't have the same drive")  # as on Windows

    monkeypatch.setattr(os.path, "commonpath", refuse)
    assert replace_all(changes).is_committed
    assert state(tmp_path / "a") == ("new", set())
