"""Code that every package depends on and that does not know about arrays.

`source` is the only module that compiles and runs generated text, and `reading` the only one that
parses source files. `blocks` is the base of every ``with`` block, `hooks` wraps functions of other
packages, `children` runs code at the start of child processes, `lines` writes their files, `words`
suggests the right name for a name of another library, and `overloads` types some decorators.
"""

from sekisho.ground._private import (
    actions_of,
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
from sekisho.ground.colours import Style, has_colours, painted
from sekisho.ground.frames import locals_of, not_counted
from sekisho.ground.git import ask_git
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
    "Style",
    "WRITE",
    "actions_of",
    "as_command_data",
    "as_command_property",
    "as_json",
    "ask_git",
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
    "has_colours",
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
    "painted",
    "printable",
    "quiet",
    "refuse_misspelt",
    "refuse_words",
    "runs_while_tracing",
    "without_last",
]
