"""The edits of `check`: renaming misleading names, and adding comments that ignore findings."""

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
    """The edit of one file.

    Attributes:
        change: the bytes before and after.
        mended: the number of findings that it fixes.
        ignored: the number of findings that it ignores.
    """

    change: Change
    mended: int
    ignored: int


def edits_of(
    files: Iterable[SourceFile], findings: list[Finding], *, fixes: bool, ignores: bool
) -> tuple[list[Edit], list[str]]:
    """Return the edits of files, and messages about what is left as it is.

    Args:
        files: the files that were read.
        findings: the findings in them.
        fixes: whether to rename misleading names.
        ignores: whether to add a comment for each finding that is not fixed.

    Raises:
        ImportError: if libcst is not installed and a name has to be renamed.
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
    """Return the new text of a file, the numbers of fixed and of ignored findings, and messages."""
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
