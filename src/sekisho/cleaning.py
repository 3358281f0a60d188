"""``sekisho clean``: remove what `map`, `check` and `adopt` keep of files that they have read."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from sekisho.utils import add_verbosity, printable

if TYPE_CHECKING:
    import argparse

__all__ = ["add_command", "run"]


def add_command(commands: Any) -> None:
    """Add ``clean`` to the commands of a parser."""
    parser: argparse.ArgumentParser = commands.add_parser(
        "clean",
        help="clear the cache of what was read",
        description="Remove what map, check and adopt keep of libraries and files that they have "
        "read: the next run reads them again. It is in $SEKISHO_CACHE_DIR, or where the system "
        "keeps caches, and is never larger than 128 MB for long.",
        epilog="examples:\n  %(prog)s\n  SEKISHO_CACHE_DIR=.cache %(prog)s\n\n"
        "The exit status is 0, or 1 if it could not be removed.",
    )
    add_verbosity(parser, "what was removed")
    parser.set_defaults(run=run, parser=parser)


def run(options: argparse.Namespace) -> int:
    """Clear the cache, and print what was in it."""
    from sekisho.code import Cache  # noqa: PLC0415 - only this command needs it

    cache = Cache()
    if cache.folder is None:
        said = "there is no cache here"
    else:
        count, size = cache.clear()
        said = f"{count} entries, {size / 1e6:.1f} MB removed from {printable(str(cache.folder))}"
    if not options.quiet:
        sys.stdout.write(f"{said}\n")
    return 0
