"""The guard: the function that is written around yours.

Its text asks inline whether each value is lawful as it stands (`questions`, `text`), its names
stand for what it needs (`names`), and it is a stub until the first call (`stub`). What can be
decorated, and what stays around it, is known by `targets`. What asks no inline question goes to the border.
"""

from sekisho.guard.body import Body, body_of
from sekisho.guard.checkpoint import Checkpoint
from sekisho.guard.stub import contract_of, options_of, settle_late_guards, unheard, warn_unguarded
from sekisho.guard.targets import guard_generated, guard_target

__all__ = [
    "Body",
    "Checkpoint",
    "body_of",
    "contract_of",
    "guard_generated",
    "guard_target",
    "options_of",
    "settle_late_guards",
    "unheard",
    "warn_unguarded",
]
