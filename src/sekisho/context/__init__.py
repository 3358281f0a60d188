"""What is in force here and now, for this thread or task.

The mode, which answers crossings (`modes`), and the logs that collect them (`log`). Both are
context variables: right in threads, in tasks and in nested blocks. A crossing that nobody asks a contract
about, such as a helper's, is made and logged here.
"""

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
    current,
    current_untraced,
    get_mode,
    install,
    mode,
    on_strict,
    read_setting,
    scoped,
    set_mode,
)

__all__ = [
    "Mode",
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
    "mode",
    "on_strict",
    "open_log",
    "open_logs",
    "read_setting",
    "record",
    "scoped",
    "set_mode",
]
