"""The slow path: validate and convert a value that failed the inline check of its guard.

This package decides what may pass. It accepts a value that the inline check was too narrow for,
converts a foreign value if the mode and the options allow it, or raises an error that names
function, argument, expected, got, and the fix. Where ``violations="warn"``, it reports instead.
"""

from sekisho.validation.call import Call, call_reader
from sekisho.validation.copies import Copies, read_only_note, what_was_lost
from sekisho.validation.doubts import find_doubts
from sekisho.validation.facts import why_classless, why_unhashable, why_unreadable
from sekisho.validation.fast_path import make_quick_lane
from sekisho.validation.hand_back import first_array_of, make_hand_back
from sekisho.validation.invalid import Invalid
from sekisho.validation.mutations import Observed, observe
from sekisho.validation.tolerance import Tolerance, free
from sekisho.validation.validate import Boundary
from sekisho.validation.violations import Place

__all__ = [
    "Boundary",
    "Call",
    "Copies",
    "Invalid",
    "Observed",
    "Place",
    "Tolerance",
    "call_reader",
    "find_doubts",
    "first_array_of",
    "free",
    "make_hand_back",
    "make_quick_lane",
    "observe",
    "read_only_note",
    "what_was_lost",
    "why_classless",
    "why_unhashable",
    "why_unreadable",
]
