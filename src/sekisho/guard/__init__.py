"""Generate the guard: the function that is called in place of a decorated one.

Its source checks inline whether each value is valid as it stands (`questions`, `text`). `globals`
fills in its globals, `stub` delays the work until the first call, and `targets` decides what can be
decorated. A value that fails the inline check takes the slow path in `validation`.
"""

from sekisho.guard.annotated import check_local
from sekisho.guard.bound import BoundContract, bind_contract
from sekisho.guard.checking import hold_at, hold_traced
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
from sekisho.guard.stub import guard_later, options_of
from sekisho.guard.targets import guard_generated, guard_target

__all__ = [
    "BoundContract",
    "Checkpoint",
    "Report",
    "bind_contract",
    "called",
    "check_local",
    "guard_generated",
    "guard_later",
    "guard_target",
    "hold_at",
    "hold_traced",
    "imported_for_typing",
    "made",
    "options_of",
    "refused_by",
    "summary_of",
    "take_reports",
    "tell_unguarded",
]
