"""``python -m sekisho``: the commands."""

from __future__ import annotations

import argparse
import contextlib
import io
import os
import sys
from pathlib import Path

from sekisho import adopting, cleaning, crossings, linting, mapping, restoring
from sekisho.ground import printable

__all__ = ["main"]


def main(arguments: list[str] | None = None) -> int:
    """Run the command line; `arguments` are those of the process if not given."""
    _prepare_streams()
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
    try:
        Path.cwd()
    except OSError:  # every path would be read from it
        parser.error("the folder that this runs in was removed\n  hint: cd to another one")
    options.behind = behind
    status: int = options.run(options)
    return status


def _prepare_streams() -> None:
    """Have a character that a stream cannot print cost nothing but its own spelling."""
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is None:  # Python was started with it closed
            setattr(sys, name, open(os.devnull, "w", encoding="utf-8"))  # noqa: SIM115, PTH123 - for ever
        elif isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def _run() -> int:
    try:
        status = main()
        sys.stdout.flush()
    except OSError as error:
        # Who reads has seen enough; or a report, a baseline or stdout cannot be written.
        if not isinstance(error, BrokenPipeError):
            with contextlib.suppress(OSError):
                sys.stderr.write(f"sekisho: {printable(str(error))}\n")
                sys.stderr.flush()
        for stream in (sys.stdout, sys.stderr):  # else Python complains of them again at its exit
            with contextlib.suppress(OSError, ValueError):
                os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
        return 1
    return status


if __name__ == "__main__":
    sys.exit(_run())
