"""``python -m sekisho crossings script.py [args]``: run a script, and print what crossed."""

from __future__ import annotations

import argparse
import runpy
import sys
from pathlib import Path

from sekisho.context import record_crossings

__all__ = ["main"]


def main(arguments: list[str] | None = None) -> None:
    """Run the command line; `arguments` are those of the process if not given."""
    parser = argparse.ArgumentParser(prog="python -m sekisho", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    crossings = commands.add_parser(
        "crossings",
        help="run a script, and print the table of its crossings at the end",
        description="Run a script as Python would, and print the table of the crossings that its "
        "main thread made, also if it ends by an error or by sys.exit.",
    )
    crossings.add_argument("--mermaid", action="store_true", help="print a flowchart instead")
    crossings.add_argument("script", type=Path, help="the script to run")
    crossings.add_argument("args", nargs=argparse.REMAINDER, help="the script's own arguments")
    options = parser.parse_args(arguments)
    if not options.script.is_file():
        parser.error(f"there is no script {str(options.script)!r}")
    with record_crossings() as log:
        before = sys.argv, sys.path
        # As Python sets them for a script: its own folder first.
        sys.argv = [str(options.script), *options.args]
        sys.path = [str(options.script.parent), *sys.path]
        try:
            runpy.run_path(str(options.script), run_name="__main__")
        finally:
            sys.argv, sys.path = before
            sys.stdout.flush()
            sys.stdout.write(f"\n{log.to_mermaid() if options.mermaid else log}\n")


if __name__ == "__main__":
    main()
