"""What every room stands on, and what knows no array.

Text becomes a function here, and only here (`source`); a block that is entered by ``with`` is one of
`blocks`; what a child process is to run first, `children` tells it; the words of other libraries, and what
they are in this one, stand in `words`; what type checkers make of some decorators, `overloads`. Nothing
of it asks what an array is.
"""

from sekisho.ground.blocks import Block
from sekisho.ground.children import environment_of_children
from sekisho.ground.frames import locals_of
from sekisho.ground.overloads import Converting, HandingBack
from sekisho.ground.source import (
    EXPLAIN,
    OPTIONS,
    WRITE,
    compile_function,
    compile_into,
    evaluate,
    generated_source,
    is_guard,
    live_guards,
    make_stub,
    runs_while_tracing,
)
from sekisho.ground.warned import begin_relocating, end_relocating
from sekisho.ground.words import foreign_name, refuse_misspelt, refuse_words

__all__ = [
    "Block",
    "Converting",
    "EXPLAIN",
    "HandingBack",
    "OPTIONS",
    "WRITE",
    "begin_relocating",
    "compile_function",
    "compile_into",
    "end_relocating",
    "environment_of_children",
    "evaluate",
    "foreign_name",
    "generated_source",
    "is_guard",
    "live_guards",
    "locals_of",
    "make_stub",
    "refuse_misspelt",
    "refuse_words",
    "runs_while_tracing",
]
