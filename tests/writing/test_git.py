"""Files that git could not restore are not written without --force, whatever git hides."""

from __future__ import annotations

import os
import subprocess
import time

import pytest

from sekisho.writing import say_unrecoverable


def git(folder, *words):
    identity = ["-c", "user.name=a", "-c", "user.email=a@example.org"]
    done = subprocess.run(
        ["git", "-C", folder, *identity, *words], check=True, capture_output=True, text=True
    )
    return done.stdout


@pytest.fixture
def repository(tmp_path):
    """Return a repository with committed files, and the folder of a package in it."""
    package = tmp_path / "shop"
    package.mkdir()
    for path in (package / "one.py", package / "two.py", tmp_path / "other.py"):
        path.write_text("x = 1\n", "utf-8")
    git(tmp_path, "init", "-q")
    git(tmp_path, "add", ".")
    git(tmp_path, "commit", "-qm", "first")
    return package


def edit_in_place(path):
    """Change a file but keep its size and times."""
    before = path.stat()
    path.write_text("x = 2\n", "utf-8")
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


HIDDEN = {
    "not hidden": (),
    "skip-worktree": ("update-index", "--skip-worktree"),
    "assume-unchanged": ("update-index", "--assume-unchanged"),
    "both": ("update-index", "--skip-worktree", "--assume-unchanged"),
}
CONFIGS = {
    "": ("core.bare", "false"),
    "no time": ("core.trustctime", "false"),
    "size only": ("core.checkStat", "minimal"),
    "ignoreStat": ("core.ignoreStat", "true"),
}


@pytest.mark.parametrize("hidden", HIDDEN.values(), ids=HIDDEN)
@pytest.mark.parametrize("config", CONFIGS.values(), ids=CONFIGS)
def test_an_edit_that_git_hides_counts(repository, hidden, config):
    path = repository / "one.py"
    os.utime(path, (1_000_000_000, 1_000_000_000))
    git(repository, "update-index", "--refresh")
    git(repository, "config", *config)
    if hidden:
        git(repository, *hidden[:2], "one.py")
        if len(hidden) > 2:
            git(repository, "update-index", hidden[2], "one.py")
    assert say_unrecoverable(str(repository)) is None
    assert say_unrecoverable(str(path), "two.py") is None
    if not hidden:
        time.sleep(1.1)  # git compares modification times in seconds
    edit_in_place(path)
    for why in (say_unrecoverable(str(repository)), say_unrecoverable(str(path), "two.py")):
        assert why is not None
        assert "there are uncommitted changes, and writing would mix with them:\n" in why
        shown = " (hidden from git status by git update-index)" if hidden else ""
        assert f"one.py{shown}\n" in why
    assert say_unrecoverable(str(repository / "two.py")) is None


def test_a_hidden_edit_of_any_file_of_the_repository_counts_for_a_folder(repository):
    other = repository.parent / "other.py"
    git(repository.parent, "update-index", "--skip-worktree", "other.py")
    other.write_text("x = 2\n", "utf-8")
    why = say_unrecoverable(str(repository))
    assert why is not None
    assert "other.py (hidden" in why
    assert say_unrecoverable(str(repository / "one.py")) is None


def test_a_sparse_checkout_counts_as_unchanged(repository):
    git(repository, "update-index", "--skip-worktree", "one.py")
    (repository / "one.py").unlink()
    assert say_unrecoverable(str(repository)) is None


def test_line_ends_that_git_converts_count_as_unchanged(repository):
    (repository.parent / ".gitattributes").write_text("*.py text eol=crlf\n", "utf-8")
    git(repository.parent, "add", ".gitattributes")
    git(repository.parent, "commit", "-qm", "second")
    (repository / "one.py").write_bytes(b"x = 1\r\n")
    git(repository, "update-index", "--assume-unchanged", "one.py")
    assert say_unrecoverable(str(repository)) is None


def test_many_hidden_files_with_odd_names(repository):
    names = [f"m {number}[a]*é\n.py" for number in range(600)]
    for name in names:
        (repository / name).write_text("x = 1\n", "utf-8")
    git(repository, "add", ".")
    git(repository, "commit", "-qm", "second")
    git(repository, "update-index", "--skip-worktree", *names)
    assert say_unrecoverable(str(repository)) is None
    (repository / names[-1]).write_text("x = 2\n", "utf-8")
    why = say_unrecoverable(str(repository))
    assert why is not None
    hidden = r" M m 599[a]*é\n.py (hidden from git status by git update-index)"
    assert why.splitlines()[1:-1] == [hidden]


@pytest.mark.parametrize("is_submodule", [False, True], ids=["inner", "submodule"])
@pytest.mark.parametrize("edit", ["changed", "not added", "hidden", "no commit", ""])
def test_a_repository_inside_is_asked_too(repository, edit, is_submodule):
    inner = repository / "inner"
    inner.mkdir()
    git(inner, "init", "-q")
    (inner / "one.py").write_text("x = 1\n", "utf-8")
    git(inner, "add", ".")
    if edit != "no commit":
        git(inner, "commit", "-qm", "first")
    if is_submodule and edit != "no commit":
        git(repository, "add", "inner")
        git(repository, "commit", "-qm", "second")
        git(repository, "config", "diff.ignoreSubmodules", "all")
    if edit == "hidden":
        git(inner, "update-index", "--skip-worktree", "one.py")
    if edit == "not added":
        (inner / "two.py").write_text("x = 1\n", "utf-8")
    elif edit in {"changed", "hidden"}:
        (inner / "one.py").write_text("x = 2\n", "utf-8")
    why = say_unrecoverable(str(repository))
    assert (why is None) is (edit == ""), why


def test_what_git_lists_is_printable(repository):
    name = "a\x1b[31m\u202e.py"
    git(repository, "config", "core.quotePath", "false")
    (repository / name).write_text("x = 1\n", "utf-8")
    git(repository, "add", ".")
    git(repository, "commit", "-qm", "second")
    git(repository, "update-index", "--skip-worktree", name)
    (repository / name).write_text("x = 2\n", "utf-8")
    (repository / f"b{name}").write_text("x = 2\n", "utf-8")
    why = say_unrecoverable(str(repository))
    assert why is not None
    assert "\x1b" not in why
    assert "\u202e" not in why
    assert r"M a\x1b[31m\u202e.py (hidden" in why
