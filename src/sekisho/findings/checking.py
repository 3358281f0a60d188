"""Run all rules on a program and drop suppressed findings."""

from __future__ import annotations

from pathlib import PurePath
from typing import TYPE_CHECKING, Final

from sekisho.findings.finding import BY_SEVERITY, CODES
from sekisho.findings.ignoring import Ignores
from sekisho.findings.rules import find
from sekisho.inference import survey

if TYPE_CHECKING:
    from collections.abc import Container, Iterator

    from sekisho.findings.finding import Finding
    from sekisho.findings.settings import Settings
    from sekisho.inference import Solution

__all__ = ["check"]

_TESTS: Final = frozenset({"tests", "test", "testing"})


def check(
    solution: Solution, settings: Settings, keys: Container[str] | None = None
) -> list[Finding]:
    """Return what neither the settings nor a comment ignores: one finding a line, by file and line.

    Args:
        solution: what was read.
        settings: what the project wants to be told.
        keys: the modules to look at; all of them if not given.
    """
    worst: dict[tuple[str, int], Finding] = {}
    texts = {file.path: file.text for file in solution.program.files.values()}
    ignores: dict[str, Ignores] = {}
    accepted: dict[tuple[str, int], tuple[int, int]] = {}
    for each in _wanted(solution, settings, keys):
        if each.path not in ignores:
            ignores[each.path] = Ignores(texts[each.path])
        if ignores[each.path].has(each):
            if CODES[each.code].is_style:
                rank = _rank(each)
                accepted[each.path, each.line] = min(
                    accepted.get((each.path, each.line), rank), rank
                )
            continue
        before = worst.setdefault((each.path, each.line), each)
        if _rank(each) < _rank(before):
            worst[each.path, each.line] = each
    # Rules of style report one crossing in several ways: a comment on one covers lesser ones.
    told = (
        each
        for line, each in worst.items()
        if not (line in accepted and CODES[each.code].is_style and accepted[line] < _rank(each))
    )
    return sorted(told, key=lambda each: (each.path, each.line))


def _rank(finding: Finding) -> tuple[int, int]:
    return BY_SEVERITY.index(finding.code), finding.column


def _wanted(
    solution: Solution, settings: Settings, keys: Container[str] | None
) -> Iterator[Finding]:
    declaring = {unit.key for unit in solution.units if unit.declared}
    for function in survey(solution, keys):
        is_adopted = function.unit.key in declaring
        is_test = _is_test(settings.shown(function.file.path), function.name)
        for finding in find(solution, function, settings.suffixes):
            if is_test and CODES[finding.code].is_style:
                continue  # tests cross libraries to compare them
            if settings.wants(finding.code, finding.path, is_adopted=is_adopted):
                yield finding._replace(column=_character(function.file.text, finding))


def _is_test(path: str, function: str) -> bool:
    parts = PurePath(path).parts
    name = parts[-1] if parts else ""
    last = function.rpartition(".")[2]
    return (
        not _TESTS.isdisjoint(parts[:-1])
        or name.startswith("test_")
        or name.endswith("_test.py")
        or name == "conftest.py"
        or last.startswith("test_")
    )


def _character(text: str, finding: Finding) -> int:
    """Return a finding's column in characters: `ast` counts bytes of UTF-8."""
    if text.isascii():
        return finding.column
    line = text.split("\n")[finding.line - 1].encode("utf-8", "surrogatepass")
    return len(line[: finding.column - 1].decode("utf-8", "ignore")) + 1
