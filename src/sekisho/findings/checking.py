"""Run all rules on a program and drop suppressed findings."""

from __future__ import annotations

from pathlib import PurePath
from typing import TYPE_CHECKING, Final

from sekisho.findings.finding import BY_SEVERITY, CODES, UNUSED, Finding
from sekisho.findings.ignoring import MAY_IGNORE, Ignores
from sekisho.findings.rules import find
from sekisho.inference import survey

if TYPE_CHECKING:
    from collections.abc import Container, Iterator, Mapping

    from sekisho.code import SourceFile
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
    ignores = {
        file.path: Ignores(file.text)
        for key, file in solution.program.files.items()
        if (keys is None or key in keys) and MAY_IGNORE.search(file.text)
    }
    accepted: dict[tuple[str, int], tuple[int, int]] = {}
    for each, is_wanted in _found(solution, settings, ignores, keys):
        if each.path in ignores and ignores[each.path].has(each):
            if is_wanted and CODES[each.code].is_style:
                rank = _rank(each)
                accepted[each.path, each.line] = min(
                    accepted.get((each.path, each.line), rank), rank
                )
            continue
        if not is_wanted:
            continue
        before = worst.setdefault((each.path, each.line), each)
        if _rank(each) < _rank(before):
            worst[each.path, each.line] = each
    # Rules of style report one crossing in several ways: a comment on one covers lesser ones.
    told = (
        each
        for line, each in worst.items()
        if not (line in accepted and CODES[each.code].is_style and accepted[line] < _rank(each))
        or each.code == UNUSED
    )
    return sorted(told, key=lambda each: (each.path, each.line))


def _rank(finding: Finding) -> tuple[int, int]:
    return BY_SEVERITY.index(finding.code), finding.column


def _found(
    solution: Solution,
    settings: Settings,
    ignores: Mapping[str, Ignores],
    keys: Container[str] | None,
) -> Iterator[tuple[Finding, bool]]:
    """Yield all findings, each with whether the project wants it; those of comments come last."""
    declaring = {unit.key for unit in solution.units if unit.declared}
    shown = {file.path: settings.shown(file.path) for file in solution.program.files.values()}
    for function in survey(solution, keys):
        is_adopted = function.unit.key in declaring
        is_test = _is_test(shown[function.file.path], function.name)
        for finding in find(solution, function, settings.suffixes):
            is_wanted = settings.wants(finding.code, finding.path, is_adopted=is_adopted)
            if is_test and CODES[finding.code].is_off_in_tests:
                is_wanted = False
            yield finding._replace(column=_character(function.file.text, finding)), is_wanted
    for key, file in solution.program.files.items():
        if keys is not None and key not in keys:
            continue
        is_wanted = settings.wants(UNUSED, file.path, is_adopted=key in declaring)
        if file.path in ignores and is_wanted and not _is_test(shown[file.path], ""):
            for finding in _unused(file, ignores[file.path]):
                yield finding, True


def _unused(file: SourceFile, ignores: Ignores) -> Iterator[Finding]:
    """SK112."""
    for line, column, codes, has_others in ignores.unused():
        named = [each for each in codes if each]
        what = f"no {' and no '.join(named)}" if has_others and named else "nothing"
        yield Finding(
            file.path,
            file.place(line),
            line,
            column + 1,
            UNUSED,
            f"this comment ignores {what}",
            help=f"remove {', '.join(named)} from it" if has_others else "remove it",
            subject=", ".join(codes),
        )


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
