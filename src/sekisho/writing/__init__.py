"""Write files completely or not at all, several at once, and never over another program's changes.

`atomic` replaces a single file, and `transaction` several, with a `journal` from which an
interrupted run can be undone. `locking` keeps two runs apart, `signals` delays signals until the
files are consistent, and `git` checks whether git could restore them.
"""

from sekisho.writing.atomic import replace_file
from sekisho.writing.git import say_unrecoverable
from sekisho.writing.journal import (
    RestoreError,
    find_journal,
    project_folder,
    restore,
    say_failed,
    say_journal,
)
from sekisho.writing.signals import Interrupted, end_by, ending_signals_raise
from sekisho.writing.transaction import Change, Transaction

__all__ = [
    "Change",
    "Interrupted",
    "RestoreError",
    "Transaction",
    "end_by",
    "ending_signals_raise",
    "find_journal",
    "project_folder",
    "replace_file",
    "restore",
    "say_failed",
    "say_journal",
    "say_unrecoverable",
]
