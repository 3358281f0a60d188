"""The settings in force in this thread or task.

`modes` has the mode, which decides about crossings, and `log` the open logs, which collect them.
Both are context variables, so they work with threads, tasks and nested blocks. `log` also converts
and records values that have no contract, such as a helper's. `frames` tells the user's own code
from that of libraries.
"""

from sekisho.context.frames import (
    GUARD,
    LIBRARY,
    OWN,
    SEKISHO,
    is_at_boundary,
    kind_of,
    own_frame,
    own_packages,
)
from sekisho.context.log import (
    allowance,
    caller,
    close_log,
    cross,
    declarations,
    everywhere,
    open_log,
    open_logs,
    record,
)
from sekisho.context.modes import (
    OPTIONS,
    Mode,
    Setting,
    after_strict,
    current,
    current_untraced,
    get_mode,
    install,
    is_strict_anywhere,
    mode,
    on_strict,
    read_setting,
    scoped,
    set_mode,
)
from sekisho.context.violations import is_noted, note_violation

__all__ = [
    "GUARD",
    "LIBRARY",
    "Mode",
    "OPTIONS",
    "OWN",
    "SEKISHO",
    "Setting",
    "after_strict",
    "allowance",
    "caller",
    "close_log",
    "cross",
    "current",
    "current_untraced",
    "declarations",
    "everywhere",
    "get_mode",
    "install",
    "is_at_boundary",
    "is_strict_anywhere",
    "kind_of",
    "mode",
    "is_noted",
    "note_violation",
    "on_strict",
    "open_log",
    "open_logs",
    "own_frame",
    "own_packages",
    "read_setting",
    "record",
    "scoped",
    "set_mode",
]
