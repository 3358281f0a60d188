"""Counts what crosses in a whole program, whoever wrote it.

Operations are wrapped while somebody counts (`wrapping`); each call is read (`observing`) and added
to a row of its line (`counting`, `frames`) in the ledger of its process (`ledger`). Children record
themselves (`program`, `begin`); whoever wants to know reads the folder (`reading`).
"""

from sekisho.recorder.program import Recording, environment_for
from sekisho.recorder.reading import read_folder

__all__ = ["Recording", "environment_for", "read_folder"]
