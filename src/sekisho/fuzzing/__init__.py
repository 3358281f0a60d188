"""Inputs that a contract accepts, and calls with them.

Sizes, elements, layouts and all that an annotation can say of them become recipes; calls made of
these, and their variations, are tried on a target, and what breaks is shrunk and reported as code.
"""

from sekisho.fuzzing.collecting import find_guards, read_table, settings_for
from sekisho.fuzzing.running import fuzz_target
from sekisho.fuzzing.target import calls_of, find_target, values_of
from sekisho.fuzzing.trial import Demands

__all__ = [
    "Demands",
    "calls_of",
    "find_guards",
    "find_target",
    "fuzz_target",
    "read_table",
    "settings_for",
    "values_of",
]
