"""Deduce contracts from recorded calls: the annotations that every call of a function satisfies.

`forms` and `dtypes` merge the values of a place, `columns` finds equal axes, `expressions` computed
ones, and `naming` names them. With too little evidence (`evidence`), `claims` and `ranks` make a
weaker claim. `sizes` checks the result against every call. No code is read or run here: `said` has
what the code says.
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
