"""Write contracts into the author's own files, as a person would.

`definitions` and `shapes` read what a function's code says. `spelling` finds the names that its
module uses in annotations. `planning` decides what to write and what to leave out. `comparing`
checks existing annotations against the runs. `rewriting` and `imports` edit the file, and `report`
describes the result.
"""

from sekisho.adoption.choosing import Unkept
from sekisho.adoption.imports import with_imports
from sekisho.adoption.planning import (
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
    "Import",
    "Plan",
    "Reading",
    "Settings",
    "Snapshot",
    "Sources",
    "Unkept",
    "deduce_all",
    "make_plan",
    "read_solution",
    "to_diff",
    "to_table",
    "to_text",
    "values_seen",
    "with_imports",
]
