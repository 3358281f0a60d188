"""What a command says of its work: the options ``-q`` and ``-v``, and a sign that it is busy."""

from __future__ import annotations

import contextlib
import sys
from typing import TYPE_CHECKING

from sekisho.utils.printable import printable

if TYPE_CHECKING:
    import argparse
    from collections.abc import Generator

__all__ = ["add_verbosity", "busy", "tell"]


def add_verbosity(parser: argparse.ArgumentParser, quiet: str) -> None:
    """Add ``-q`` and ``-v`` to a command.

    Args:
        parser: that of the command.
        quiet: what ``-q`` leaves out, for the help.
    """
    group = parser.add_mutually_exclusive_group()
    group.add_argument("-q", "--quiet", action="store_true", help=f"leave out {quiet}")
    group.add_argument(
        "-v",
        "--verbose",
        action="store_true",
        help="print to standard error what is done, with which settings, and how long it takes",
    )


def tell(options: argparse.Namespace, text: str) -> None:
    """Print what is done, if ``-v`` is given."""
    if options.verbose:
        sys.stderr.write(f"sekisho: {printable(text)}\n")
        sys.stderr.flush()  # before what the user's program prints


@contextlib.contextmanager
def busy(what: str) -> Generator[None]:
    """Show on a terminal that something takes its time, where rich is installed."""
    if not sys.stderr.isatty():
        yield
        return
    try:
        from rich.console import Console  # noqa: PLC0415 - not a dependency
    except ImportError:
        yield
        return
    with Console(stderr=True).status(what):
        yield
