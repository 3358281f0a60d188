"""Findings in packages, to be judged by hand: useful, noise or false."""

from __future__ import annotations

import json
import random
from collections import Counter
from pathlib import Path

from collisions import names_arrays

SOURCES = {
    "check": "check",
    "plain": "Pyrefly",
    "plain, stubs": "Pyrefly, its stubs",
    "shadow": "annotated copy",
    "shadow, stubs": "annotated copy, its stubs",
}
JUDGED = Path(__file__).parent / "judged.json"


def sample(results, most):
    """Write the findings to judge: every collision, and a random sample of each package's others."""
    rows = []
    for package, (_, found, _, _) in results.items():
        for source, every in found.items():
            chosen = {x for x in every if x.raises}
            if "shadow" not in source:  # the other findings would be the same
                count = most if source == "check" else most * 2 // 5
                named = sorted(x for x in every if source == "check" or names_arrays(x.message))
                chosen |= set(random.Random(0).sample(named, min(count, len(named))))  # noqa: S311 - a choice
            for x in sorted(chosen):
                message = x.message.split("\n")[0][:300]
                row = {"package": package, "source": source, **x._asdict(), "message": message}
                rows.append({**row, "verdict": "", "why": ""})
    JUDGED.write_text(json.dumps(rows, indent=1) + "\n", "utf-8")


def judged_table():
    judged = json.loads(JUDGED.read_text("utf-8")) if JUDGED.exists() else []
    rows = ["| engine | judged | useful | noise | false |", "|---|---|---|---|---|"]
    for source, name in SOURCES.items():
        for title, raises in (("collisions", True), ("others", False)):
            count = Counter(
                x["verdict"] for x in judged if (x["source"], x["raises"]) == (source, raises)
            )
            cells = (sum(count.values()), count["useful"], count["noise"], count["false"])
            if cells[0]:
                rows.append(f"| {name}: {title} | {' | '.join(map(str, cells))} |")
    return rows
