"""``python -m sekisho``: the commands."""

from __future__ import annotations

import argparse
import sys

from sekisho import adopting, cleaning, crossings, linting, mapping, restoring

__all__ = ["main"]


def main(arguments: list[str] | None = None) -> int:
    """Run the command line; `arguments` are those of the process if not given."""
    parser = argparse.ArgumentParser(prog="python -m sekisho", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    crossings.add_command(commands)
    mapping.add_command(commands)
    linting.add_command(commands)
    adopting.add_command(commands)
    restoring.add_command(commands)
    cleaning.add_command(commands)
    arguments = sys.argv[1:] if arguments is None else arguments
    behind: list[str] = []
    if arguments[:1] == ["adopt"] and "--" in arguments:
        # argparse takes no options between two positionals; a command of its own ends ours.
        at = arguments.index("--")
        arguments, behind = arguments[:at], arguments[at + 1 :]
    options = parser.parse_args(arguments)
    options.behind = behind
    status: int = options.run(options)
    return status


if __name__ == "__main__":
    sys.exit(main())
