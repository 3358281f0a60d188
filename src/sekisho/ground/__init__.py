"""Code that every package depends on and that does not know about arrays.

`source` is the only module that compiles and runs generated text, and `reading` the only one that
parses source files. `blocks` is the base of every ``with`` block, `hooks` wraps functions of other
packages, `children` runs code at the start of child processes, `lines` writes their files, `words`
suggests the right name for a name of another library, and `overloads` types some decorators.
"""

from sekisho.ground._private import (
    callee_names,
    frame_at,
    interpreter_flags,
    is_being_imported,
    is_protocol,
    is_stored_field,
    look_up,
    quiet,
)
from sekisho.ground.blocks import Block, without_last
from sekisho.ground.children import environment_of_children
from sekisho.ground.frames import locals_of, not_counted
from sekisho.ground.hooks import Observer, original_of
from sekisho.ground.lines import LineFile
from sekisho.ground.once import once
from sekisho.ground.overloads import Converting, HandingBack
from sekisho.ground.printable import (
    as_command_data,
    as_command_property,
    as_json,
    printable,
)
from sekisho.ground.reading import decode, parse
from sekisho.ground.source import (
    EXPLAIN,
    OPTIONS,
    STUB,
    WRITE,
    compile_function,
    compile_into,
    evaluate,
    find_stub,
    generated_source,
    is_guard,
    live_guards,
    make_stub,
    runs_while_tracing,
)
from sekisho.ground.warned import passing
from sekisho.ground.words import closest, foreign_name, refuse_misspelt, refuse_words

__all__ = [
    "Block",
    "Converting",
    "EXPLAIN",
    "HandingBack",
    "LineFile",
    "OPTIONS",
    "Observer",
    "STUB",
    "WRITE",
    "as_command_data",
    "as_command_property",
    "as_json",
    "callee_names",
    "closest",
    "compile_function",
    "compile_into",
    "decode",
    "environment_of_children",
    "evaluate",
    "find_stub",
    "foreign_name",
    "frame_at",
    "generated_source",
    "interpreter_flags",
    "is_being_imported",
    "is_guard",
    "is_protocol",
    "is_stored_field",
    "look_up",
    "live_guards",
    "locals_of",
    "make_stub",
    "not_counted",
    "once",
    "original_of",
    "parse",
    "passing",
    "printable",
    "quiet",
    "refuse_misspelt",
    "refuse_words",
    "runs_while_tracing",
    "without_last",
]
