"""Strict mode's monitor: it judges the operations that a guarded function's body runs.

While a body runs, each world reports the operations of its library in that thread. An operation
that crosses is refused, or warned about, at its line. The guard package starts and ends the
monitor.
"""

from sekisho.monitor.calls import show_calls
from sekisho.monitor.hooks import starters
from sekisho.monitor.jobs import wrap_starters
from sekisho.monitor.state import Watch, note_refusal, thread, unwatched
from sekisho.monitor.strict import Watching

__all__ = [
    "Watch",
    "Watching",
    "note_refusal",
    "show_calls",
    "thread",
    "unwatched",
]

starters.append(wrap_starters)
