"""Report what inference found in a program: as a table, as a page, as data."""

from sekisho.map_report.listing import OTHER_WORLDS, to_dict
from sekisho.map_report.page import to_page
from sekisho.map_report.table import to_text

__all__ = ["OTHER_WORLDS", "to_dict", "to_page", "to_text"]
