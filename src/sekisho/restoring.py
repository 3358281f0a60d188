"""``sekisho restore``: put back the files that a killed run has left half written."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from sekisho.utils import add_verbosity, printable, tell

if TYPE_CHECKING:
    import argparse

__all__ = ["add_command", "run"]


def add_command(commands: Any) -> None:
    """Add ``restore`` to the commands of a parser."""
    parser: argparse.ArgumentParser = commands.add_parser(
        "restore",
        help="put back files that a run which was killed was writing",
        description="adopt --write and check --fix replace all files or none. Where such a "
        "run was killed, it leaves a journal, by which this command puts the old files back. A file "
        "that was edited since is left alone.",
        epilog="examples:\n  %(prog)s\n  %(prog)s ../project\n\n"
        "The exit status is 0, 1 if a file was not put back, or 2 for wrong usage.",
    )
    parser.add_argument(
        "path", nargs="?", default=".", help="in the project (this folder if not given)"
    )
    add_verbosity(parser, "the names of the files that are as they were")
    parser.set_defaults(run=run, parser=parser)


def run(options: argparse.Namespace) -> int:
    """Put the files back, and print their names."""
    from sekisho.writing import RestoreError, find_journal, restore, say_failed  # noqa: PLC0415 - only this command needs it

    journal = find_journal([options.path])
    if journal is None:
        _say(options, "there is nothing to restore")
        return 0
    tell(options, f"the journal is {journal}")
    try:
        restored = restore(journal)
    except (OSError, RestoreError) as error:
        sys.stderr.write(f"sekisho: {error}\n")
        return 1
    for path in restored.as_before:
        _say(options, f"as it was: {printable(path)}")
    for path, why in restored.left_alone.items():
        sys.stdout.write(f"left alone: {printable(path)}: {why}\n")
    if restored.failed:
        sys.stdout.flush()
        sys.stderr.write(f"sekisho: {say_failed(str(journal), restored)}\n")
    if not any(restored):
        _say(options, "all files are as that run has left them: it had ended its work")
    return int(bool(restored.left_alone or restored.failed))


def _say(options: argparse.Namespace, text: str) -> None:
    if not options.quiet:
        sys.stdout.write(f"{text}\n")
