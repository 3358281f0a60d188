"""Counts what crosses in a whole program, whoever wrote it.

Operations are wrapped while somebody counts (`wrapping`); each call is read (`observing`) and added
to a row of its line (`counting`, `frames`) in the ledger of its process (`ledger`). Children record
themselves (`program`, `startup`); whoever wants to know reads the folder (`reading`).
"""

from sekisho.recorder.program import Recording, begin_as_told, environment_for
from sekisho.recorder.reading import read_folder

__all__ = ["Recording", "begin_as_told", "environment_for", "read_folder"]
