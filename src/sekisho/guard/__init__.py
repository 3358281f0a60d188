"""The guard: the function that is written around yours.

Its text asks inline whether each value is valid as it stands (`questions`, `text`), its names
stand for what it needs (`names`), and it is a stub until the first call (`stub`). What can be
decorated, and what stays around it, is known by `targets`. What asks no inline question goes to the border.
"""

from sekisho.guard.body import Body, body_of
from sekisho.guard.checkpoint import Checkpoint
from sekisho.guard.late import imported_for_typing
from sekisho.guard.report import (
    Report,
    called,
    made,
    refused_by,
    summary_of,
    take_reports,
    tell_unguarded,
)
from sekisho.guard.stub import contract_of, guard_later, options_of
from sekisho.guard.targets import guard_generated, guard_target

__all__ = [
    "Body",
    "Checkpoint",
    "Report",
    "body_of",
    "called",
    "contract_of",
    "guard_generated",
    "guard_later",
    "guard_target",
    "imported_for_typing",
    "made",
    "options_of",
    "refused_by",
    "summary_of",
    "take_reports",
    "tell_unguarded",
]
