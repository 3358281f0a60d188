"""Contracts from calls: what every call of a function has kept, as annotations say it.

What came to a place is merged (`forms`, `dtypes`); axes that were equal are one (`columns`), others
are computed (`expressions`), and are called as the code calls them (`naming`); what has too little
evidence (`evidence`) becomes a weaker claim (`claims`, `ranks`); all of it is held against every call
again (`sizes`). No code is read here, and nothing is run: what the code says is told (`said`).
"""

from sekisho.deduction.contracts import Deduced, deduce, dtypes_of
from sekisho.deduction.dtypes import dtype_kind, dtype_word, word_takes
from sekisho.deduction.evidence import CLAIMS, Weaker, claim_table
from sekisho.deduction.forms import Form, Slot
from sekisho.deduction.hints import LeftOut, spell
from sekisho.deduction.said import Said

__all__ = [
    "CLAIMS",
    "Deduced",
    "Form",
    "LeftOut",
    "Said",
    "Slot",
    "Weaker",
    "claim_table",
    "deduce",
    "dtype_kind",
    "dtype_word",
    "dtypes_of",
    "spell",
    "word_takes",
]
