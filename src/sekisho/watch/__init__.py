"""What strict mode sees of a body while it runs.

A watch stands over a body in its thread; each world shows it the operations of its library, and
what crosses is refused, or warned of, at the line where it stands. How a body comes under its watch
is the guard's business.
"""

import sekisho.watch.jobs  # noqa: F401 - has `hooks` wrap what starts threads and tasks
from sekisho.watch.calls import show_calls
from sekisho.watch.state import Watch, note_refusal, settle_boundary, thread, unwatched
from sekisho.watch.strict import Watching

__all__ = [
    "Watch",
    "Watching",
    "note_refusal",
    "settle_boundary",
    "show_calls",
    "thread",
    "unwatched",
]
