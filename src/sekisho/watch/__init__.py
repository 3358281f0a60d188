"""What strict mode sees of a body while it runs.

A watch stands over a body in its thread; each world shows it the operations of its library, and
what crosses is refused, or warned of, at the line where it stands. How a body comes under its watch
is the guard's business.
"""

from sekisho.watch.calls import show_calls
from sekisho.watch.hooks import starters
from sekisho.watch.jobs import wrap_starters
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

starters.append(wrap_starters)
