"""What `check` changes in files: names that lie, and comments that ignore findings."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from sekisho.findings.fixing import fixed
from sekisho.findings.ignoring import with_ignores
from sekisho.utils import printable
from sekisho.writing import Change

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sekisho.code import SourceFile
    from sekisho.findings.finding import Finding

__all__ = ["Edit", "edits_of"]


class Edit(NamedTuple):
    """A file, as it is to be written.

    Attributes:
        change: its bytes, before and after.
        mended: how many findings in it are mended.
        ignored: how many are ignored.
    """

    change: Change
    mended: int
    ignored: int


def edits_of(
    files: Iterable[SourceFile], findings: list[Finding], *, fixes: bool, ignores: bool
) -> tuple[list[Edit], list[str]]:
    """Return what becomes of each file, and in words what is left as it is.

    Args:
        files: what was read.
        findings: what was found in them.
        fixes: whether names that lie are renamed.
        ignores: whether what is not mended gets a comment.

    Raises:
        ImportError: if names are to be renamed and libcst is not installed.
    """
    edits: list[Edit] = []
    left: list[str] = []
    for file in files:
        here = [each for each in findings if each.path == file.path]
        if not (here if ignores else any(each.fix for each in here)):
            continue
        try:
            text, mended, ignored, why = _edited(file, here, fixes=fixes, ignores=ignores)
        except ValueError as error:
            left.append(f"left alone: {printable(file.path)}: {error}")
            continue
        left += why
        if mended or ignored:
            change = Change(file.path, file.data, text.encode(file.encoding))
            edits.append(Edit(change, mended, ignored))
    return edits, left


def _edited(
    file: SourceFile, findings: list[Finding], *, fixes: bool, ignores: bool
) -> tuple[str, int, int, list[str]]:
    """The text of a file with its edits, how many findings are mended, how many ignored; what is left."""
    if file.cells:
        raise ValueError("nothing is written into notebooks")
    text, mended, why = file.decode(), 0, list[str]()
    if fixes:
        text, done, left = fixed(text, findings)
        for fix, reason in left.items():
            why.append(f"not renamed: {printable(file.path)}:{fix.line}: {reason}")
        mended = sum(each.fix in done for each in findings)
        findings = [each for each in findings if each.fix not in done]
    if ignores:
        return with_ignores(text, findings), mended, len(findings), why
    return text, mended, 0, why
