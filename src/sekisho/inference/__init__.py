"""Infer the world of each variable by reading code.

This is an abstract interpretation (`statements`, `expressions`, `calls`) over a small lattice
(`values`). It reads all units of a program until nothing changes (`solve`). The stubs of libraries
define what their functions take and return (`overloads`, `annotations`). The result is a `survey`.
"""

from sekisho.inference import events
from sekisho.inference.annotations import read_annotation
from sekisho.inference.arrays import certain_world, only_world, worlds_of
from sekisho.inference.earlier import Earlier
from sekisho.inference.frame import Unit
from sekisho.inference.labels import is_open, label
from sekisho.inference.missing import missing_libraries, say_missing
from sekisho.inference.resuming import resume
from sekisho.inference.solve import Solution, solve
from sekisho.inference.survey import (
    Function,
    Variable,
    called_by,
    given_to_compilers,
    survey,
    world_of_all,
)
from sekisho.inference.value_types import (
    DEVICE,
    NONE,
    UNKNOWN,
    Value,
    array,
    instance,
    list_of,
    tuple_of,
)
from sekisho.inference.values import arrays_in, is_unknown, join_all

__all__ = [
    "DEVICE",
    "NONE",
    "UNKNOWN",
    "Earlier",
    "Function",
    "Solution",
    "Unit",
    "Value",
    "Variable",
    "array",
    "arrays_in",
    "called_by",
    "certain_world",
    "events",
    "given_to_compilers",
    "instance",
    "is_open",
    "is_unknown",
    "join_all",
    "label",
    "list_of",
    "missing_libraries",
    "only_world",
    "read_annotation",
    "resume",
    "say_missing",
    "solve",
    "survey",
    "tuple_of",
    "world_of_all",
    "worlds_of",
]
