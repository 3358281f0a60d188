"""Inputs that a contract accepts, and calls with them: an annotation is a generator of hostile inputs.

Sizes for axes (`sizes`), values (`elements`), layouts (of each world), and all that an annotation
can say of them (`drawing`) become recipes (`recipes`), of which the calls of a function are made
(`target`). A call with one, and with its `variations`, is a trial (`trial`); many, shrunk and
reported, are a run (`running`), for one function or for all of a package (`collecting`).
"""

from sekisho.fuzzing.collecting import Found, find_guards, read_table, settings_for
from sekisho.fuzzing.running import fuzz_target
from sekisho.fuzzing.target import calls_of, find_target, values_of
from sekisho.fuzzing.trial import Demands

__all__ = [
    "Demands",
    "Found",
    "calls_of",
    "find_guards",
    "find_target",
    "fuzz_target",
    "read_table",
    "settings_for",
    "values_of",
]
