"""Findings as text, as JSON, as SARIF, and as annotations of GitHub's."""

from __future__ import annotations

import os
from collections import Counter
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

from sekisho.findings.finding import CODES
from sekisho.ground import as_command_data, as_command_property, as_json, printable

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from sekisho.findings.finding import Finding
    from sekisho.findings.settings import Settings

__all__ = ["FORMATS"]


def _text(findings: Sequence[Finding], _settings: Settings) -> str:
    lines: list[str] = []
    for each in findings:
        lines.append(f"{each.place}:{each.column}: {each.code} {each.message}")
        lines += [f"    {step}" for step in each.reason]
        if each.help:
            lines.append(f"    help: {each.help}")
    if findings:
        count = Counter(each.code for each in findings)
        fixable = sum(each.fix is not None for each in findings)
        said = ", ".join(f"{number} {code}" for code, number in sorted(count.items()))
        tail = f"; --fix mends {fixable}" if fixable else ""
        lines.append(f"{len(findings)} finding{'s' * (len(findings) != 1)}: {said}{tail}")
    return "".join(f"{printable(line)}\n" for line in lines)


def _json(findings: Sequence[Finding], settings: Settings) -> str:
    rows = [
        {
            "file": settings.shown(each.path),
            "line": each.line,
            "column": each.column,
            "code": each.code,
            "message": each.message,
            "reason": list(each.reason),
            "help": each.help or None,
            "fix": each.fix._asdict() if each.fix else None,
            "function": each.function or None,
        }
        for each in findings
    ]
    return as_json({"findings": rows})


def _github(findings: Sequence[Finding], settings: Settings) -> str:
    """Workflow commands: https://docs.github.com/actions/reference/workflow-commands-for-github-actions."""
    lines: list[str] = []
    for each in findings:
        text = "\n".join(
            map(
                printable,
                [each.message, *each.reason, *([f"help: {each.help}"] if each.help else [])],
            )
        )
        path = as_command_property(printable(settings.shown(each.path)))
        place = f"file={path},line={each.line},col={each.column}"
        lines.append(f"::warning {place},title={each.code}::{as_command_data(text)}\n")
    return "".join(lines)


def _sarif(findings: Sequence[Finding], settings: Settings) -> str:
    """SARIF 2.1.0: https://docs.oasis-open.org/sarif/sarif/v2.1.0/sarif-v2.1.0.html."""
    rules = [{"id": code, "shortDescription": {"text": text}} for code, text in CODES.items()]
    results: list[dict[str, Any]] = [
        {
            "ruleId": each.code,
            "ruleIndex": list(CODES).index(each.code),
            "level": "warning",
            "message": {"text": printable(". ".join([each.message, *each.reason]))},
            "locations": [
                {
                    "physicalLocation": {
                        "artifactLocation": {"uri": quote(os.fsencode(settings.shown(each.path)))},
                        "region": {"startLine": each.line, "startColumn": each.column},
                    }
                }
            ],
        }
        for each in findings
    ]
    driver = {"name": "sekisho", "rules": rules}
    whole = {
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [{"tool": {"driver": driver}, "results": results}],
    }
    return as_json(whole)


FORMATS: Final[dict[str, Callable[[Sequence[Finding], Settings], str]]] = {
    "text": _text,
    "json": _json,
    "sarif": _sarif,
    "github": _github,
}
