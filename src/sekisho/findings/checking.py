"""All that is found in a program, and is told."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sekisho.findings.ignoring import Ignores
from sekisho.findings.rules import find
from sekisho.inference import survey

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sekisho.findings.finding import Finding
    from sekisho.findings.settings import Settings
    from sekisho.inference import Solution

__all__ = ["check"]


def check(solution: Solution, settings: Settings) -> list[Finding]:
    """What is found, and neither ignored by the settings nor by a comment: by file and line."""
    return sorted(
        _told(solution, settings), key=lambda each: (each.path, each.line, each.column, each.code)
    )


def _told(solution: Solution, settings: Settings) -> Iterator[Finding]:
    ignores: dict[str, Ignores] = {}
    for function in survey(solution):
        for finding in find(solution, function, settings.suffixes):
            if not settings.wants(finding.code, finding.path):
                continue
            if finding.path not in ignores:
                ignores[finding.path] = Ignores(function.file.text)
            if not ignores[finding.path].has(finding):
                yield finding._replace(column=_character(function.file.text, finding))


def _character(text: str, finding: Finding) -> int:
    """The column in characters: Python counts bytes of UTF-8."""
    if text.isascii():
        return finding.column
    line = text.split("\n")[finding.line - 1].encode("utf-8", "surrogatepass")
    return len(line[: finding.column - 1].decode("utf-8", "ignore")) + 1
