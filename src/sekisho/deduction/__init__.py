"""Deduce contracts from recorded calls: the annotations that every call of a function satisfies.

`forms` and `dtypes` merge the values that came to a place. `columns` finds the axes that are equal,
`expressions` those that are computed from others, and `naming` names them as the code does. Where
there is too little evidence (`evidence`), `claims` and `ranks` make a weaker claim. `sizes` checks
the result against every call again. This package neither reads nor runs code: it gets what the code
says as `said`.
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
