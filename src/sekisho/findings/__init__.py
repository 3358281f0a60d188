"""Find problems in code that was read: codes, rules, reasons and fixes.

Each rule looks at one function of a survey (`rules`). `settings` and `ignoring` drop what a project
does not want reported. The rest is printed (`formats`), explained (`explaining`) or fixed
(`editing`, `fixing`).
"""

from sekisho.findings.checking import check
from sekisho.findings.declaring import can_declare, spelled
from sekisho.findings.editing import Edit, edits_of
from sekisho.findings.explaining import explain, find_page
from sekisho.findings.finding import CODES, UNUSED, Finding, to_code
from sekisho.findings.fixing import difference
from sekisho.findings.formats import FORMATS, Report, statistics
from sekisho.findings.ignoring import (
    read_baseline,
    without_known,
    without_unused,
    write_baseline,
)
from sekisho.findings.settings import Settings, read_settings

__all__ = [
    "CODES",
    "Edit",
    "FORMATS",
    "Finding",
    "Report",
    "Settings",
    "UNUSED",
    "can_declare",
    "check",
    "difference",
    "edits_of",
    "explain",
    "find_page",
    "read_baseline",
    "read_settings",
    "spelled",
    "statistics",
    "to_code",
    "without_known",
    "without_unused",
    "write_baseline",
]
