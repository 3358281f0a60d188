"""Write files completely or not at all, several at once, and never over another program's changes.

`atomic` replaces a single file, and `transaction` several, with a `journal` from which an
interrupted run can be undone. `signals` delays signals until the files are consistent, and `git`
checks whether git could restore them.
"""

from sekisho.writing.atomic import replace_file
from sekisho.writing.git import say_unrecoverable
from sekisho.writing.journal import RestoreError, find_journal, restore, say_journal
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
    "replace_file",
    "restore",
    "say_journal",
    "say_unrecoverable",
]
