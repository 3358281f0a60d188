"""Contracts written where they belong: in the author's own file, as a person would.

What a function's code says of itself (`definitions`, `shapes`), how its module spells annotations
(`spelling`), what is written where and why not (`planning`), annotations that are there held against
the runs (`comparing`), the file with all of it (`rewriting`, `imports`), and what is said about it
(`report`).
"""

from sekisho.adoption.imports import with_imports
from sekisho.adoption.planning import (
    DECLARATION,
    DECORATOR,
    WHOLE,
    Plan,
    Settings,
    Sources,
    deduce_all,
    make_plan,
)
from sekisho.adoption.reading import Reading, read_solution
from sekisho.adoption.report import to_diff, to_table, to_text
from sekisho.adoption.seen import values_seen
from sekisho.adoption.snapshot import Snapshot
from sekisho.adoption.spelling import Import

__all__ = [
    "DECLARATION",
    "DECORATOR",
    "Import",
    "WHOLE",
    "Plan",
    "Reading",
    "Settings",
    "Snapshot",
    "Sources",
    "deduce_all",
    "make_plan",
    "read_solution",
    "to_diff",
    "to_table",
    "to_text",
    "values_seen",
    "with_imports",
]
