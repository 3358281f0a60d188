"""What the functions of a program are called with, whoever calls them.

Each process of it is told to trace itself (`begin`): Python tells of calls (`tracing`), a value is
remembered by world, dtype and axes (`describing`), and each process writes a file (`journal`), which
`reading` merges. What runs inside of the program is of the standard library alone.
"""

from sekisho.tracer.environment import environment_for
from sekisho.tracer.reading import Call, Observed, Place, read_journals, what_is_missing

__all__ = ["Call", "Observed", "Place", "environment_for", "read_journals", "what_is_missing"]
