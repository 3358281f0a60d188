"""Read source code without running it.

`files` finds and decodes the files of a project. `libraries` finds the installed libraries, stubs first, and
`environments` where they are. `tables` turns a module into a table of its names and what is written about
them. `cache` keeps these tables on disk, under a digest of what they were made from. `concrete` parses with
spaces and comments kept, for code that edits files.
"""

from sekisho.code.cache import Cache, digest
from sekisho.code.comments import parse_typed
from sekisho.code.concrete import parse_concrete
from sekisho.code.environments import find_environments
from sekisho.code.files import Skipped, SourceFile, find_files, read_file
from sekisho.code.libraries import Libraries
from sekisho.code.tables import (
    DefEntry,
    Entry,
    Expr,
    Signature,
    SubscriptExpr,
    Table,
    constant_in,
    lower,
    lower_expr,
    lower_signature,
    text_in,
    without_call,
)

__all__ = [
    "Cache",
    "DefEntry",
    "Entry",
    "Expr",
    "Libraries",
    "Signature",
    "Skipped",
    "SourceFile",
    "SubscriptExpr",
    "Table",
    "constant_in",
    "digest",
    "find_environments",
    "find_files",
    "lower",
    "lower_expr",
    "lower_signature",
    "parse_concrete",
    "parse_typed",
    "read_file",
    "text_in",
    "without_call",
]
