"""The report on mutants: the score by package, and each mutant that no test noticed."""

from __future__ import annotations

from collections import Counter
from typing import Any

from mutations import ROOT

PAGE = ROOT / "docs" / "mutants.md"
BEGIN, END = "<!-- written by `nox -s mutants` -->", "<!-- end -->"
OUTCOMES = ("killed", "timed out", "survived", "not covered", "equivalent")


def _row(package: str, size: int, outcomes: list[str]) -> str:
    counts = Counter(outcomes)
    wrong = len(outcomes) - counts["equivalent"]
    noticed = counts["killed"] + counts["timed out"]
    score = f"{100 * noticed / wrong:.0f} %" if wrong else "-"
    cells = (package, size, len(outcomes), *(counts[each] for each in OUTCOMES), score)
    return f"| {' | '.join(map(str, cells))} |"


def _cell(text: str) -> str:
    """Return code for a cell of a table, shortened."""
    text = text if len(text) <= 90 else f"{text[:60]} ... {text[-25:]}"
    return f"`` {text} ``".replace("|", "\\|")


def table(results: list[dict[str, Any]], sizes: dict[str, int], how: str) -> str:
    """Return the report: the score by package, and each mutant that no test noticed."""
    lines = [
        how,
        "",
        "| package | places | drawn | killed | timed out | survived | not covered | equivalent | score |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for package, size in sizes.items():
        outcomes = [each["outcome"] for each in results if each["package"] == package]
        lines.append(_row(package, size, outcomes))
    lines.append(_row("all", sum(sizes.values()), [each["outcome"] for each in results]))
    for title, wanted in (
        ("Not noticed", ("survived", "not covered")),
        ("Equivalent", ("equivalent",)),
    ):
        listed = [each for each in results if each["outcome"] in wanted]
        lines += ["", f"## {title}", ""]
        if not listed:
            lines.append("None.")
            continue
        lines += ["| where | function | is | would be | why |", "|---|---|---|---|---|"]
        for each in listed:
            where = f"{each['file']}:{each['line']}"
            why = each["why"] or each["outcome"]
            before, after = _cell(each["before"]), _cell(each["after"])
            lines.append(f"| {where} | `{each['function']}` | {before} | {after} | {why} |")
    return "\n".join(lines)


def write(text: str) -> None:
    """Write the report into its page."""
    before, rest = PAGE.read_text("utf-8").split(BEGIN)
    after = rest.split(END)[1]
    PAGE.write_text(f"{before}{BEGIN}\n{text}\n{END}{after}", "utf-8")
