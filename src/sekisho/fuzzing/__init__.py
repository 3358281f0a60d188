"""Generate inputs that a contract accepts, and call functions with them.

Axes, dtypes, layouts and all other parts of an annotation become recipes. A trial calls the target
with them and with variations of them; Hypothesis shrinks a failing call, and the report shows it as
code.
"""

from sekisho.fuzzing.collecting import find_guards, read_table, settings_for
from sekisho.fuzzing.compilers import compile_options
from sekisho.fuzzing.running import fuzz_target
from sekisho.fuzzing.target import calls_of, find_target, values_of
from sekisho.fuzzing.trial import Demands

__all__ = [
    "Demands",
    "calls_of",
    "compile_options",
    "find_guards",
    "find_target",
    "fuzz_target",
    "read_table",
    "settings_for",
    "values_of",
]
