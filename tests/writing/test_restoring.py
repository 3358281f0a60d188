"""`sekisho restore` puts back only what is known to be the old text, and deletes nothing else."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import pytest

from sekisho.__main__ import main
from sekisho.writing import Change, RestoreError, Transaction, find_journal

NAMES = ["a.py", "b.py", "inner/c.py", "inner/deep/d.py"]
JOURNAL = ".sekisho-journal"


def kill(transaction):
    """Leave a transaction as a killed process does: its files stay, its lock is released."""
    os.close(transaction._journal._descriptor)
    transaction._journal = None


@pytest.fixture
def tree(tmp_path):
    """Return a project whose files were all replaced by a run that was then killed."""
    folder = tmp_path / "tree"
    for name in NAMES:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(f"old {name}\n", "utf-8")
    (folder / "pyproject.toml").touch()
    paths = [folder / name for name in NAMES]
    transaction = Transaction([Change(str(p), p.read_bytes(), b"new\n") for p in paths])
    transaction.__enter__()
    kill(transaction)
    assert texts(folder) == dict.fromkeys(NAMES, "new\n")
    return folder


@pytest.fixture
def restore(capfd):
    """Run the command; return the status, standard output and standard error."""

    def restore(folder):
        status = main(["restore", str(folder)])
        return status, *capfd.readouterr()

    return restore


def texts(folder):
    return {name: (folder / name).read_text("utf-8") for name in NAMES}


def old_version(folder, name):
    """Return the path of the stored old version of a file."""
    rows = json.loads((folder / JOURNAL).read_bytes().partition(b" ")[2])["files"]
    (kept,) = [row["old"] for row in rows if row["target"] == name]
    return folder / kept


def everything(folder):
    return {str(path): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


OLD = {name: f"old {name}\n" for name in NAMES}


# --- where the project is ---------------------------------------------------------------------------


def moved(tree):
    return tree.rename(tree.with_name("moved"))


def copied(tree):
    return Path(shutil.copytree(tree, tree.with_name("copied")))


def copied_without_the_original(tree):
    copy = copied(tree)
    shutil.rmtree(tree)
    return copy


def linked(tree):
    link = tree.with_name("linked")
    link.symlink_to(tree)
    return link


@pytest.mark.parametrize("somewhere", [moved, copied, copied_without_the_original, linked])
def test_a_project_is_restored_where_it_is(tree, restore, monkeypatch, somewhere):
    folder = somewhere(tree)
    beside = everything(tree) if somewhere is copied else {}
    monkeypatch.chdir(folder)
    status, out, err = restore(".")
    assert (status, err) == (0, "")
    assert out.splitlines() == [f"as it was: {os.path.realpath(folder / name)}" for name in NAMES]
    assert texts(folder) == OLD
    assert not list(folder.rglob(".sekisho*"))
    assert somewhere is not copied or everything(tree) == beside


@pytest.mark.parametrize("target", ["../other.py", "inner/../../other.py", "{}/other.py", "."])
def test_a_journal_names_no_file_outside_of_its_folder(tree, restore, target):
    from sekisho.writing.journal import digest_of

    other = tree.with_name("other.py")
    other.write_bytes(b"new\n")
    target = target.format(tree.parent)
    kept = f"{os.path.dirname(target)}/.sekisho-{'0' * 16}-0-x".lstrip("/" if target == "." else "")
    Path(tree, f"{kept}.old").write_bytes(b"old\n")
    row = {"target": target, "new": f"{kept}.new", "old": f"{kept}.old"}
    row |= {"before": digest_of(b"old\n"), "after": digest_of(b"new\n")}
    text = json.dumps({"files": [row]}).encode()
    (tree / JOURNAL).write_bytes(f"{digest_of(text)} ".encode() + text + b"\n")
    status, _, err = restore(tree)
    assert status == 1
    assert f"{tree / JOURNAL} is damaged" in err
    assert other.read_bytes() == b"new\n"


# --- one file fails ---------------------------------------------------------------------------------


def damage(path):
    path.write_bytes(b"something else")


def cut(path):
    path.write_bytes(path.read_bytes()[:-1])


def empty(path):
    path.write_bytes(b"")


def make_folder(path):
    path.unlink()
    path.mkdir()


def make_pipe(path):
    path.unlink()
    os.mkfifo(path)


def dangle(path):
    path.unlink()
    path.symlink_to("nowhere")


OF_OLD = {
    damage: "is damaged",
    cut: "is damaged",
    empty: "is damaged",
    Path.unlink: "is missing",
    dangle: "is missing",
}


def name_of(call):
    return call.__name__


@pytest.mark.parametrize("harm", OF_OLD, ids=name_of)
@pytest.mark.parametrize("is_edited", [False, True], ids=["", "edited, too"])
def test_an_old_version_that_is_not_as_it_was_kept_is_not_put_back(tree, restore, harm, is_edited):
    kept = old_version(tree, "b.py")
    harm(kept)
    if is_edited:
        (tree / "b.py").write_text("edited\n", "utf-8")
    status, out, err = restore(tree)
    assert status == 1
    assert err == (
        f"sekisho: could not put back {tree / 'b.py'}: its old version, {kept}, {OF_OLD[harm]}\n"
        f"  hint: {tree / JOURNAL} is kept: python -m sekisho restore {tree} tries again; "
        "remove the journal once the files are as you want them\n"
    )
    others = [name for name in NAMES if name != "b.py"]
    assert out.splitlines() == [f"as it was: {tree / name}" for name in others]
    assert texts(tree) == OLD | {"b.py": "edited\n" if is_edited else "new\n"}


@pytest.mark.parametrize("harm", [make_folder, make_pipe], ids=name_of)
@pytest.mark.parametrize("which", ["target", "old"])
def test_one_that_fails_keeps_no_other_from_being_restored(tree, restore, harm, which):
    harm(old_version(tree, "a.py") if which == "old" else tree / "a.py")
    status, out, err = restore(tree)
    assert status == 1
    assert f"could not put back {tree / 'a.py'}: it is no regular file\n" in err
    assert out.splitlines() == [f"as it was: {tree / name}" for name in NAMES[1:]]


def test_the_journal_keeps_what_is_left_until_it_is_done(tree, restore):
    kept = old_version(tree, "a.py")
    text = kept.read_bytes()
    kept.unlink()
    assert restore(tree)[0] == 1
    # Restored files belong to the author again: a second restore ignores them.
    (tree / "b.py").write_text("edited\n", "utf-8")
    assert restore(tree)[0] == 1
    kept.write_bytes(text)
    assert restore(tree) == (0, f"as it was: {tree / 'a.py'}\n", "")
    assert texts(tree) == OLD | {"b.py": "edited\n"}
    assert find_journal([tree]) is None


@pytest.mark.parametrize("edit", ["edited\n", None], ids=["edited", "removed"])
def test_the_old_text_of_an_edited_file_is_kept_and_named(tree, restore, edit):
    kept = old_version(tree, "a.py")
    if edit is None:
        (tree / "a.py").unlink()
    else:
        (tree / "a.py").write_text(edit, "utf-8")
    status, out, err = restore(tree)
    what = "it is gone" if edit is None else "it was changed meanwhile"
    assert (status, err) == (1, "")
    assert f"left alone: {tree / 'a.py'}: {what}; its old text is in {kept}\n" in out
    assert kept.read_text("utf-8") == OLD["a.py"]
    assert restore(tree) == (0, "there is nothing to restore\n", "")


# --- the journal itself is damaged ------------------------------------------------------------------


def change(at):
    def change(data):
        return data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :]

    return change


HARMS = {
    "empty": lambda _: b"",
    "a byte": lambda data: data[:1],
    "the digest": lambda data: data[:33],
    "half": lambda data: data[: len(data) // 2],
    "no line end": lambda data: data[:-1],
    "a digit of the digest": change(3),
    "a letter of a path": change(60),
    "its last bracket": change(-2),
    "more": lambda data: data + b"more",
    "text": lambda _: b"hello\n",
    "JSON": lambda _: b'{"files": []}\n',
    "zeros": bytes,
    "bytes": lambda _: bytes(range(256)),
    "nested": lambda _: b"[" * 100_000 + b"\n",
}


@pytest.mark.parametrize("harm", HARMS.values(), ids=HARMS)
def test_a_damaged_journal_is_named_with_the_old_versions_and_nothing_changes(tree, restore, harm):
    kept = sorted(str(old_version(tree, name)) for name in NAMES)
    journal = tree / JOURNAL
    harmed = harm(journal.read_bytes())
    journal.write_bytes(bytes(len(journal.read_bytes())) if harm is bytes else harmed)
    before = everything(tree)
    status, out, err = restore(tree)
    assert (status, out) == (1, "")
    named = "".join(f"    {each}\n" for each in kept)
    assert err == (
        f"sekisho: {journal} is damaged, and nothing was changed; these versions of files are "
        f"still there:\n{named}"
        "  hint: put the old files back by hand (.old), and remove the journal then\n"
    )
    assert everything(tree) == before


@pytest.mark.parametrize("name", ["a.py", "é門 \x1b.py", "n" * 252 + ".py", "-.py", "a-0.py"])
def test_the_versions_of_a_file_tell_which_file_it_is(tmp_path, restore, name):
    path = tmp_path / name
    path.write_bytes(b"old")
    transaction = Transaction([Change(str(path), b"old", b"new")])
    transaction.__enter__()
    kill(transaction)
    (kept,) = tmp_path.glob("*.old")
    expected = "".join(each if each.isascii() and each.isalnum() else "_" for each in path.stem)
    assert kept.name.endswith(f"-0-{f'{expected}.py'[-100:]}.old")
    assert kept.name.isascii()
    assert restore(tmp_path)[0] == 0
    assert (os.listdir(tmp_path), path.read_bytes()) == ([name], b"old")


def test_a_journal_that_was_being_begun_is_removed(tmp_path, restore):
    """That run was killed before it changed any file."""
    for text in (b"", b"0123", b'0123456789abcdef0123456789abcdef {"files": [{"tar'):
        (tmp_path / JOURNAL).write_bytes(text)
        status, out, err = restore(tmp_path)
        assert (status, err) == (0, "")
        assert out == "all files are as that run has left them: it had ended its work\n"
        assert os.listdir(tmp_path) == []


def test_a_garbage_journal_without_old_versions_stays(tmp_path, restore):
    (tmp_path / JOURNAL).write_bytes(b"hello")
    status, _, err = restore(tmp_path)
    assert status == 1
    assert "is damaged, and nothing was changed; no old file is there\n" in err
    assert os.listdir(tmp_path) == [JOURNAL]


# --- a transaction that cannot restore a file says so -----------------------------------------------


@pytest.mark.parametrize("harm", [damage, Path.unlink], ids=name_of)
def test_a_transaction_names_what_it_could_not_restore(tree, restore, harm):
    assert restore(tree)[0] == 0
    paths = [tree / name for name in NAMES]
    changes = [Change(str(path), path.read_bytes(), b"new\n") for path in paths]
    transaction = Transaction(changes)
    with (
        pytest.raises(RestoreError, match=r"could not put back .*b\.py: its old version"),
        transaction,
    ):
        harm(old_version(tree, "b.py"))
    assert [*transaction.left_alone] == [str(tree / "b.py")]
    assert texts(tree) == OLD | {"b.py": "new\n"}
    assert find_journal([tree]) == tree / JOURNAL
