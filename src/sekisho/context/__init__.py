"""What is in force here and now, for this thread or task.

The mode, which answers crossings (`modes`), and the logs that collect them (`log`). Both are
context variables: right in threads, in tasks and in nested blocks. A crossing that nobody asks a contract
about, such as a helper's, is made and logged here. Whose code a line is, the user's own or a library's,
`frames` says.
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
    Mode,
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
from sekisho.context.violations import note_violation

__all__ = [
    "GUARD",
    "LIBRARY",
    "Mode",
    "OWN",
    "SEKISHO",
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
