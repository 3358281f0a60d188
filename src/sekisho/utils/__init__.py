"""Code that every package depends on and that does not know about arrays.

`source` alone compiles and runs generated text, and `reading` alone parses source files. `blocks` is the base
of ``with`` blocks, `hooks` wraps functions of other packages, `children` runs code in child processes, `lines`
writes their files, `words` suggests names, `assigned` refuses values in the place of calls, `overloads` types
some decorators, and `tables` and `verbosity` serve the command line.
"""

from sekisho.utils._private import (
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
from sekisho.utils.annotated import CHECK_LOCAL, annotate_locals, may_hold_arrays, names_in_text
from sekisho.utils.assigned import PublicModule
from sekisho.utils.blocks import Block, without_last
from sekisho.utils.children import environment_of_children
from sekisho.utils.colours import Style, has_colours, painted
from sekisho.utils.frames import codes_in, expression_at, locals_of, not_counted
from sekisho.utils.git import ask_git
from sekisho.utils.hooks import Observer, original_of
from sekisho.utils.lines import LineFile
from sekisho.utils.once import once
from sekisho.utils.overloads import Converting, HandingBack
from sekisho.utils.printable import (
    as_command_data,
    as_command_property,
    as_html,
    as_json,
    as_toml,
    counted,
    printable,
)
from sekisho.utils.reading import decode, parse, statement_of
from sekisho.utils.signatures import shown_without
from sekisho.utils.source import (
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
from sekisho.utils.tables import as_table, columns_of, wrapped
from sekisho.utils.verbosity import add_verbosity, busy, tell
from sekisho.utils.warned import passing, warn_at_frame, warn_at_line
from sekisho.utils.words import closest, foreign_name, refuse_misspelt, refuse_words
from sekisho.utils.writes import written_parameters

__all__ = [
    "codes_in",
    "shown_without",
    "statement_of",
    "warn_at_frame",
    "warn_at_line",
    "CHECK_LOCAL",
    "annotate_locals",
    "may_hold_arrays",
    "names_in_text",
    "Block",
    "Converting",
    "EXPLAIN",
    "HandingBack",
    "LineFile",
    "OPTIONS",
    "Observer",
    "PublicModule",
    "STUB",
    "Style",
    "WRITE",
    "actions_of",
    "add_verbosity",
    "as_command_data",
    "as_command_property",
    "as_html",
    "as_json",
    "as_table",
    "as_toml",
    "ask_git",
    "busy",
    "callee_names",
    "closest",
    "columns_of",
    "compile_function",
    "counted",
    "compile_into",
    "decode",
    "environment_of_children",
    "evaluate",
    "expression_at",
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
    "tell",
    "without_last",
    "written_parameters",
    "wrapped",
]
