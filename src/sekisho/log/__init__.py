"""What crossed, and how it is shown.

A log is sums by line (`book`), of which each row can be advised on (`advice`); it is shown as a
table (`table`), a flowchart (`chart`), a page (`page`) or a review's annotations (`annotate`). Who
fills it is the business of `context`, for guards, and of `recorder`, for whole programs.
"""

from sekisho.log.book import KEEP, KEEP_OF_PROGRAM, CrossingLog
from sekisho.log.crossing import MAIN, SUMS, Crossing, Process, Row, key_of
from sekisho.log.violation import ViolationRow

__all__ = [
    "KEEP",
    "KEEP_OF_PROGRAM",
    "MAIN",
    "Crossing",
    "CrossingLog",
    "Process",
    "Row",
    "SUMS",
    "ViolationRow",
    "key_of",
]
