"""What an editor can do about a finding, or a function: a fix, a comment that ignores, a declaration."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, NamedTuple

from sekisho.code import SourceFile, parse_concrete
from sekisho.editor.looking import function_at
from sekisho.editor.positions import Edit, edits_between, with_ends
from sekisho.findings import CODES, UNUSED, can_declare, edits_of, spelled, without_unused

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sekisho.editor.project import View
    from sekisho.findings import Finding
    from sekisho.inference import Function

__all__ = ["Action", "actions_at"]

_IMPORT: Final = re.compile(r"^(?:import|from)\s+sekisho\b", re.MULTILINE)


class Action(NamedTuple):
    """A change of one buffer.

    Attributes:
        title: what it does, in words.
        kind: ``quickfix`` or ``refactor``.
        edits: what it writes, by lines of the buffer.
        finding: what it is about; None if it is about a function.
        is_preferred: whether it is the one that mends the finding.
    """

    title: str
    kind: str
    edits: list[Edit]
    finding: Finding | None = None
    is_preferred: bool = False


def actions_at(view: View, first: int, last: int) -> list[Action]:
    """Return what can be done between two lines of a buffer, from 0, both included.

    Nothing is offered while the buffer does not parse: the lines of its last reading may have moved.
    """
    if view.text != view.typed:
        return []
    first, last = first + view.start, last + view.start
    findings = view.reading.findings([view.path])[view.path]
    found = [
        action for each in findings if first <= each.line <= last for action in _of(view, each)
    ]
    function = function_at(view.reading, view.path, first)
    if function is not None and first <= function.line <= last:
        found += _declarations(view, function)
    return found


def _of(view: View, finding: Finding) -> Iterator[Action]:
    here = finding._replace(
        line=finding.line - view.start + 1,
        fix=finding.fix and finding.fix._replace(line=finding.fix.line - view.start + 1),
    )
    if finding.code == UNUSED:
        yield from _removal(view, finding, here)
        return
    if finding.fix is not None:
        edits = _edits(view, here, fixes=True)
        if edits:
            title = f"Rename {finding.fix.old} to {finding.fix.new}"
            yield Action(title, "quickfix", edits, finding, is_preferred=True)
    edits = _edits(view, here, fixes=False)
    if edits:
        title = f"Ignore {finding.code} ({CODES[finding.code].name}) on this line"
        yield Action(title, "quickfix", edits, finding)


def _removal(view: View, finding: Finding, here: Finding) -> Iterator[Action]:
    """Yield the end of a comment that ignores nothing, or of its codes that do."""
    try:
        text = without_unused(view.text, here)
    except (ValueError, RecursionError):  # a cell that has lines which are no Python
        return
    codes = "" if finding.help == "remove it" else f"{finding.subject} from "
    edits = edits_between(view.text, text)
    yield Action(f"Remove {codes}the comment", "quickfix", edits, finding, is_preferred=True)


def _edits(view: View, finding: Finding, *, fixes: bool) -> list[Edit]:
    """Return what `check --fix`, or `--add-ignore`, would write of one finding."""
    try:
        found, _ = edits_of([_source(view)], [finding], fixes=fixes, ignores=not fixes)
    except ImportError:  # libcst is not installed
        return []
    return [edit for each in found for edit in edits_between(view.text, each.change.after.decode())]


def _source(view: View) -> SourceFile:
    """Return the buffer as a file of its own: of a notebook, one cell."""
    file = view.reading.file(view.path)
    return file._replace(text=view.text, cells=(), data=view.text.encode(), encoding="utf-8")


def _declarations(view: View, function: Function) -> Iterator[Action]:
    """Yield the declaration of a function whose world the map is sure of."""
    decorator = function.ready_for
    solution = view.reading.solution
    if not decorator or not can_declare(solution, function, decorator):
        return
    name = spelled(solution, function, decorator)
    lines = with_ends(view.text)
    at = function.line - view.start
    indent = re.match(r"\s*", lines[at])
    end = "\r\n" if lines[at].endswith("\r\n") else "\n"
    lines.insert(at, f"{indent[0] if indent else ''}@{name}{end}")
    text = "".join(lines)
    if name.startswith("sekisho.") and not _IMPORT.search(view.reading.file(view.path).text):
        # libcst and what writes contracts take a second to import: at the first declaration only.
        from sekisho.adoption import Import, with_imports  # noqa: PLC0415 - as said

        try:
            text = with_imports(parse_concrete(text), [Import("sekisho")], "").code
        except (ImportError, ValueError):
            return
    yield Action(f"Declare {function.name} as @{name}", "refactor", edits_between(view.text, text))
