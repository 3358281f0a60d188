"""The call that mends a value, found by making it.

A value that was refused is taken step by step to what was asked, each step tried on the value
itself; the steps together are the hint. A hint that was not followed is not given. Guards and helpers
word their errors with it; nothing here knows where the value is.
"""

from sekisho.remedy.samples import are_few
from sekisho.remedy.search import Wanted, find_remedy
from sekisho.remedy.steps import number_hint, plain_text, shape_step, value_hint

__all__ = [
    "Wanted",
    "are_few",
    "find_remedy",
    "number_hint",
    "plain_text",
    "shape_step",
    "value_hint",
]
