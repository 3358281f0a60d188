"""Check whether git could restore files."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Final

from sekisho.utils import ask_git, printable

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["say_unrecoverable"]

# Settings with which git would overlook changes.
_STRICT: Final = (
    *("-c", "core.fsmonitor=false", "-c", "core.checkStat=default", "-c", "core.trustctime=true"),
    *("-c", "core.ignoreStat=false"),
)
_CHANGED: Final = (
    *_STRICT,
    *("status", "--porcelain", "--untracked-files=no", "--ignore-submodules=none", "--"),
)
_UNKNOWN: Final = ("ls-files", "--others", "--")
_FLAGGED: Final = ("ls-files", "-v", "-z", "--")
_STAGED: Final = ("ls-files", "--stage", "-z", "--")
_MOST_NAMES: Final = 500
"""Number of names in one command, whose length systems limit."""


def say_unrecoverable(path: str, *others: str) -> str | None:
    """Return why git could not restore files, or a folder, once written; None if it could.

    For files, only their own changes count. For a folder, changes in its whole repository count,
    because its files are verified by running the program.

    Args:
        path: a file or a folder.
        others: names of more files in the same folder as `path`.
    """
    if Path(path).is_dir():
        # Git lists no file of a repository inside another one.
        inner = [str(each.parent) for each in Path(path).rglob(".git")]
        said = (
            _say(each, _changed(each, ":/"), ask_git(each, *_UNKNOWN, "*.py"))
            for each in dict.fromkeys([path, *sorted(inner)])
        )
        return next((why for why in said if why), None)
    folder = os.path.dirname(path)
    names = [f":(literal){name}" for name in (os.path.basename(path), *others)]
    return _say(path, _changed(folder, *names), ask_git(folder, *_UNKNOWN, *names))


def _changed(folder: str, *patterns: str) -> str | None:
    """Return a line for each file that differs from the last commit; None without a repository."""
    shown = ask_git(folder, *_CHANGED, *patterns)
    flagged = ask_git(folder, *_FLAGGED, *patterns)
    if shown is None or flagged is None:
        return None
    # Lower case: assume-unchanged. S: skip-worktree. `git status` does not look at such files.
    names = [line[2:] for line in flagged.split("\0") if line[:1].islower() or line[:1] == "S"]
    return shown + "".join(
        f" M {printable(name)} (hidden from git status by git update-index)\n"
        for name in _differing(folder, names)
    )


def _differing(folder: str, names: list[str]) -> Iterator[str]:
    """Find the files that are not as git's index has them. A sparse checkout has no such file."""
    there = [name for name in names if Path(folder, name).is_file()]
    for start in range(0, len(there), _MOST_NAMES):
        some = there[start : start + _MOST_NAMES]
        staged = ask_git(folder, *_STAGED, *(f":(literal){name}" for name in some)) or ""
        rows = [line.partition("\t") for line in staged.split("\0") if line]
        blobs = {name: data.split()[1] for data, _, name in rows}
        hashes = (ask_git(folder, "hash-object", "--", *some) or "").split()
        if len(hashes) == len(some):
            yield from (n for n, found in zip(some, hashes, strict=True) if blobs.get(n) != found)
        else:  # git cannot read one of them
            yield from some


def _say(path: str, changed: str | None, unknown: str | None) -> str | None:
    if changed is None or unknown is None:
        return (
            f"{printable(path)} is in no git repository, and nothing else could bring it back once it is written\n"
            "  hint: git init, and commit it, or --force"
        )
    if changed or unknown:
        lines = [*changed.splitlines(), *(f"?? {line}" for line in unknown.splitlines())]
        listed = "".join(f"{printable(line)}\n" for line in lines)
        return (
            f"there are uncommitted changes, and writing would mix with them:\n{listed}"
            "  hint: commit them, or --force"
        )
    return None
