"""What is wrong with code that was read: codes, rules, reasons and fixes.

Each rule looks at one function of a survey (`rules`); what a project does not want to hear is left out
(`settings`, `ignoring`); the rest is printed (`formats`) or mended (`fixing`).
"""

from sekisho.findings.checking import check
from sekisho.findings.finding import CODES, Finding
from sekisho.findings.fixing import difference, fixed
from sekisho.findings.formats import FORMATS
from sekisho.findings.ignoring import read_baseline, with_ignores, without_known, write_baseline
from sekisho.findings.settings import Settings, known_code, read_settings

__all__ = [
    "CODES",
    "FORMATS",
    "Finding",
    "Settings",
    "check",
    "difference",
    "fixed",
    "known_code",
    "read_baseline",
    "read_settings",
    "with_ignores",
    "without_known",
    "write_baseline",
]
