"""Print findings as text, JSON, SARIF, GitHub annotations, or statistics."""

from __future__ import annotations

import os
from collections import Counter
from typing import TYPE_CHECKING, Any, Final, NamedTuple
from unicodedata import east_asian_width
from urllib.parse import quote

from sekisho.findings.explaining import explain
from sekisho.findings.finding import CODES, RULES
from sekisho.utils import (
    Style,
    as_command_data,
    as_command_property,
    as_json,
    counted,
    painted,
    printable,
    wrapped,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from sekisho.code import SourceFile
    from sekisho.findings.finding import Finding
    from sekisho.findings.settings import Settings

__all__ = ["FORMATS", "Report", "statistics"]


class Report(NamedTuple):
    """Findings, and what is needed to print them.

    Attributes:
        findings: the findings, by file and line.
        settings: the settings of the project.
        files: the files that were read, by path.
        is_coloured: whether the output is a terminal with colours.
        columns: the width of the terminal; None for a file or a pipe.
        is_quiet: whether the totals are left out.
    """

    findings: Sequence[Finding]
    settings: Settings
    files: Mapping[str, SourceFile]
    is_coloured: bool = False
    columns: int | None = None
    is_quiet: bool = False


def _text(report: Report) -> str:
    """Return the findings, errors first, each with its line, its reason and the help."""
    lines: list[str] = []
    sources: dict[str, list[str]] = {}

    def paint(text: str, style: Style) -> str:
        shown = printable(text)
        return painted(shown, style) if report.is_coloured else shown

    for each in sorted(report.findings, key=lambda each: not CODES[each.code].is_error):
        rule = CODES[each.code]
        code = paint(f"{each.code} [{rule.name}]", Style.RED if rule.is_error else Style.YELLOW)
        place = paint(f"{each.place}:{each.column}", Style.BOLD)
        lines.append(f"{place}: {code} {printable(each.message)}")
        if each.path not in sources:
            sources[each.path] = report.files[each.path].text.split("\n")
        lines += _source(sources[each.path][each.line - 1], each, paint)
        lines += [f"    {printable(step)}" for step in each.reason]
        if each.help:
            lines.append(f"    {paint('help:', Style.GREEN)} {printable(each.help)}")
    count = len(report.findings)
    if report.is_quiet:
        return "".join(f"{line}\n" for line in lines)
    if not count:
        return f"no findings in {counted(len(report.files), 'file')}\n"
    said = Counter(each.code for each in report.findings)
    fixable = sum(each.fix is not None for each in report.findings)
    tail = f"; --fix mends {fixable}" if fixable else ""
    codes = ", ".join(f"{number} {code}" for code, number in sorted(said.items()))
    lines.append(f"{counted(count, 'finding')}: {codes}{tail}")
    return "".join(f"{line}\n" for line in lines)


def _source(line: str, finding: Finding, paint: Callable[[str, Style], str]) -> list[str]:
    """Return the line of a finding, and a caret under its column."""
    column = min(finding.column - 1, len(line))
    # The width of a tab depends on the terminal, so a tab would move the caret.
    before = line[:column].expandtabs(4)
    margin = f"  {finding.place.rpartition(':')[2]} | "  # for a notebook, the line in its cell
    gap = " " * (len(margin) - 2) + "| "
    shown = printable(before + line[column:].expandtabs(4))
    return [
        f"{paint(margin, Style.BLUE)}{shown}",
        f"{paint(gap, Style.BLUE)}{' ' * _width(printable(before))}{paint('^', Style.RED)}",
    ]


def _width(text: str) -> int:
    """Return the number of terminal columns that a text takes."""
    return sum(1 + (east_asian_width(each) in "WF") for each in text)


def statistics(report: Report) -> str:
    """Return the number of findings of each code, the most frequent first."""
    count = Counter(each.code for each in report.findings)
    rows = sorted(count.items(), key=lambda row: (-row[1], row[0]))
    lines = (
        wrapped(f"{number:6}  {code}  {CODES[code].name}: {CODES[code].title}", report.columns, 15)
        for code, number in rows
    )
    return "".join(f"{line}\n" for row in lines for line in row)


def _json(report: Report) -> str:
    rows = [
        {
            "file": report.settings.shown(each.path),
            "line": each.line,
            "column": each.column,
            "code": each.code,
            "rule": CODES[each.code].name,
            "message": each.message,
            "reason": list(each.reason),
            "help": each.help or None,
            "fix": each.fix._asdict() if each.fix else None,
            "function": each.function or None,
        }
        for each in report.findings
    ]
    return as_json({"findings": rows})


def _github(report: Report) -> str:
    """Return workflow commands of GitHub Actions: https://docs.github.com/actions/reference/workflow-commands-for-github-actions."""
    lines: list[str] = []
    for each in report.findings:
        help_line = [f"help: {each.help}"] if each.help else []
        text = "\n".join(map(printable, [each.message, *each.reason, *help_line]))
        path = as_command_property(printable(report.settings.shown(each.path)))
        place = f"file={path},line={each.line},col={each.column}"
        lines.append(f"::{_level(each.code)} {place},title={each.code}::{as_command_data(text)}\n")
    return "".join(lines)


def _sarif(report: Report) -> str:
    """Return SARIF 2.1.0: https://docs.oasis-open.org/sarif/sarif/v2.1.0/sarif-v2.1.0.html."""
    rules = [
        {
            "id": rule.code,
            "name": rule.name,
            "shortDescription": {"text": rule.title},
            "fullDescription": {"text": explain(rule.code)[0]},
            "help": {"text": explain(rule.code)[1], "markdown": explain(rule.code)[1]},
            "defaultConfiguration": {"level": _level(rule.code)},
        }
        for rule in RULES
    ]
    results: list[dict[str, Any]] = [
        {
            "ruleId": each.code,
            "ruleIndex": list(CODES).index(each.code),
            "level": _level(each.code),
            "message": {"text": printable(". ".join([each.message, *each.reason]))},
            "locations": [
                {
                    "physicalLocation": {
                        "artifactLocation": {
                            "uri": quote(os.fsencode(report.settings.shown(each.path)))
                        },
                        "region": {"startLine": each.line, "startColumn": each.column},
                    }
                }
            ],
        }
        for each in report.findings
    ]
    driver = {"name": "sekisho", "rules": rules}
    whole = {
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [
            {
                "tool": {"driver": driver},
                "results": results,
                "columnKind": "unicodeCodePoints",
            }
        ],
    }
    return as_json(whole)


def _level(code: str) -> str:
    return "error" if CODES[code].is_error else "warning"


FORMATS: Final[dict[str, Callable[[Report], str]]] = {
    "text": _text,
    "json": _json,
    "sarif": _sarif,
    "github": _github,
}
