"""What was read of a program, as a table, as a page, as data."""

from sekisho.atlas.listing import to_dict
from sekisho.atlas.page import to_page
from sekisho.atlas.table import to_text

__all__ = ["to_dict", "to_page", "to_text"]
