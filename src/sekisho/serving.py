"""``sekisho server``: a language server, which tells an editor what `check` and `map` find."""

from __future__ import annotations

import importlib.util
from typing import TYPE_CHECKING, Any

from sekisho.utils import add_verbosity

if TYPE_CHECKING:
    import argparse

__all__ = ["add_command", "run"]


def add_command(commands: Any) -> None:
    """Add ``server`` to the commands of a parser."""
    parser: argparse.ArgumentParser = commands.add_parser(
        "server",
        help="speak the Language Server Protocol over standard input and output, for an editor",
        description="Tell an editor what check and map find in the files that are open, saved or "
        "not: an editor starts it, beside the server of a type checker. It reads, and runs nothing.",
        epilog="examples:\n  %(prog)s\n  %(prog)s --stdio\n\n"
        "The exit status is 0 if the editor has ended it, 1 if the editor went away, and 2 if pygls is "
        "not installed.",
    )
    parser.add_argument(
        "--stdio", action="store_true", help="accepted, as editors pass it: there is no other way"
    )
    add_verbosity(parser, "nothing: it prints what the protocol asks for only")
    parser.set_defaults(run=run, parser=parser)


def run(options: argparse.Namespace) -> int:
    """Serve until the client ends it."""
    if importlib.util.find_spec("pygls") is None or importlib.util.find_spec("lsprotocol") is None:
        options.parser.error("the language server needs pygls: install sekisho[editor]")
    from sekisho.editor import serve  # noqa: PLC0415 - an extra, and only this command needs it

    return int(not serve())
