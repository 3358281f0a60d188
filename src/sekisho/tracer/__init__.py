"""Record what the functions of a program are called with.

Each process of the program traces itself (`begin`). Python reports calls (`tracing`), values are
described by world, dtype and axes (`describing`), and each process writes a file (`journal`).
`reading` merges the files. The modules that run inside the program use the standard library only.
"""

from sekisho.tracer.describing import Described, DescribedArray
from sekisho.tracer.environment import environment_for
from sekisho.tracer.reading import Call, Observed, Place, read_journals, what_is_missing

__all__ = [
    "Call",
    "Described",
    "DescribedArray",
    "Observed",
    "Place",
    "environment_for",
    "read_journals",
    "what_is_missing",
]
