"""Code that is read, and never run.

The files of a project (`files`) and the installed libraries, stubs first (`libraries`), as tables of
names and what is written about them (`tables`); what was read once is kept under its digest (`cache`).
What writes into a file reads it with its spaces and comments (`concrete`).
"""

from sekisho.code.cache import Cache, digest
from sekisho.code.comments import parse_typed
from sekisho.code.concrete import parse_concrete
from sekisho.code.files import Skipped, SourceFile, find_files, read_file
from sekisho.code.libraries import Libraries
from sekisho.code.tables import (
    Entry,
    Expr,
    Signature,
    Table,
    lower,
    lower_expr,
    lower_signature,
    tag_of,
)

__all__ = [
    "Cache",
    "Entry",
    "Expr",
    "Libraries",
    "Signature",
    "Skipped",
    "SourceFile",
    "Table",
    "digest",
    "find_files",
    "lower",
    "lower_expr",
    "lower_signature",
    "parse_concrete",
    "parse_typed",
    "read_file",
    "tag_of",
]
