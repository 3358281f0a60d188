"""The slow path: a value that was not valid as it stood.

The authority on what may pass a boundary. It accepts late what an inline question was too narrow
for, converts what is foreign where the mode and the options let it, or raises an error that
names function, argument, expected, got, and the fix. Where ``violations="warn"``, it reports instead.
"""

from sekisho.border.admit import Boundary
from sekisho.border.call import Call, call_reader
from sekisho.border.copies import Copies, read_only_note, what_was_lost
from sekisho.border.doubts import find_doubts
from sekisho.border.hand_back import first_array_of, make_hand_back
from sekisho.border.lanes import make_quick_lane
from sekisho.border.tolerance import Tolerance, free
from sekisho.border.violations import Place

__all__ = [
    "Boundary",
    "Call",
    "Copies",
    "Place",
    "Tolerance",
    "call_reader",
    "find_doubts",
    "first_array_of",
    "free",
    "make_hand_back",
    "make_quick_lane",
    "read_only_note",
    "what_was_lost",
]
