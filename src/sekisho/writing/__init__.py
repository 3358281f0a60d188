"""How files are written: whole or not at all, several together, and never over what somebody else wrote.

One file by itself (`atomic`), several in a transaction (`transaction`) that an interrupted run leaves a
journal of (`journal`), signals that wait until the files are in order (`signals`), what git can restore (`git`).
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
