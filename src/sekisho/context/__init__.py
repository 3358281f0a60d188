"""What is in force here and now, for this thread or task.

The mode, which answers crossings (`modes`), and the logs that collect them (`log`). Both are
context variables: right in threads, in tasks and in nested blocks. A crossing that nobody asks a contract
about, such as a helper's, is made and logged here.
"""

from sekisho.context.log import (
    Crossing,
    CrossingLog,
    caller,
    cross,
    open_logs,
    record,
    record_crossings,
)
from sekisho.context.modes import (
    Mode,
    current,
    current_untraced,
    get_mode,
    install,
    mode,
    on_strict,
    read_setting,
    set_mode,
)

__all__ = [
    "Crossing",
    "CrossingLog",
    "Mode",
    "caller",
    "cross",
    "current",
    "current_untraced",
    "get_mode",
    "install",
    "mode",
    "on_strict",
    "open_logs",
    "read_setting",
    "record",
    "record_crossings",
    "set_mode",
]
