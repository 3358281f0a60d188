"""The crossing log, and its forms of output.

A crossing log holds sums by line (`crossing_log`), and each row may have a hint (`hints`). It is shown as
a table (`table`), a flowchart (`chart`), an HTML page (`page`) or annotations of a review
(`annotate`). The `context` package fills it for guards, and `recorder` for whole programs.
"""

from sekisho.log.broadcast import BroadcastRow
from sekisho.log.crossing import MAIN, SUMS, Crossing, Process, Row, key_of
from sekisho.log.crossing_log import KEEP, KEEP_OF_PROGRAM, CrossingLog
from sekisho.log.violation import ViolationRow

__all__ = [
    "KEEP",
    "KEEP_OF_PROGRAM",
    "MAIN",
    "BroadcastRow",
    "Crossing",
    "CrossingLog",
    "Process",
    "Row",
    "SUMS",
    "ViolationRow",
    "key_of",
]
