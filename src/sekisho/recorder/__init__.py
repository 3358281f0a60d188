"""Count the crossings in a whole program, in sekisho's code and any other.

While a recording is active, operations are wrapped (`wrapping`, `calls`). Each call is read
(`observing`) and added to the row of its line (`counting`) in the ledger of its process (`ledger`).
Children record themselves (`program`, `begin`), and `reading` merges the ledgers of a folder.
"""

from sekisho.recorder.program import Recording, environment_for
from sekisho.recorder.reading import read_folder

__all__ = ["Recording", "environment_for", "read_folder"]
