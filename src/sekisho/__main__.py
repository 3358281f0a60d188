"""``python -m sekisho``: the commands."""

from __future__ import annotations

import argparse
import sys

from sekisho import crossings, linting, mapping

__all__ = ["main"]


def main(arguments: list[str] | None = None) -> int:
    """Run the command line; `arguments` are those of the process if not given."""
    parser = argparse.ArgumentParser(prog="python -m sekisho", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    crossings.add_command(commands)
    mapping.add_command(commands)
    linting.add_command(commands)
    options = parser.parse_args(arguments)
    status: int = options.run(options)
    return status


if __name__ == "__main__":
    sys.exit(main())
