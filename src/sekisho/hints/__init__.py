"""Find the hint for a refused value by trying calls on the value.

Starting from the refused value, each step is tried on the value itself until the result is valid.
The steps together are the hint, so every hint has been tested. Guards and helpers use it in their
errors; nothing here knows which argument the value comes from.
"""

from sekisho.hints.mistakes import number_hint, value_hint
from sekisho.hints.samples import are_few
from sekisho.hints.search import Wanted, find_hint
from sekisho.hints.steps import plain_text, shape_step

__all__ = [
    "Wanted",
    "are_few",
    "find_hint",
    "number_hint",
    "plain_text",
    "shape_step",
    "value_hint",
]
