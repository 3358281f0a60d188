"""The command line: ``sekisho``, or ``python -m sekisho``."""

from __future__ import annotations

import argparse
import contextlib
import io
import os
import platform
import re
import shutil
import sys
import textwrap
import time
from pathlib import Path
from typing import Any, Final, NoReturn

from sekisho import (
    __version__,
    adopting,
    cleaning,
    configuring,
    crossings,
    linting,
    mapping,
    restoring,
    serving,
)
from sekisho.utils import actions_of, closest, printable, tell

__all__ = ["main", "run"]

_ABOUT: Final = (
    "Find and check where a program's arrays change between NumPy, PyTorch, JAX and CuPy."
)
_EPILOG: Final = """\
examples:
  %(prog)s crossings train.py --epochs 1
  %(prog)s check src

The exit status is 0 if all went well, 1 if something was found, and 2 for wrong usage.
"""


_SHELLS: Final = ("bash", "zsh", "fish", "tcsh")
_PATHS: Final = {
    "path",
    "paths",
    "program",
    "package",
    "json",
    "html",
    "baseline",
    "output_file",
    "stdin_filename",
}
"""Arguments and options that take the path of a file or of a folder."""


_SYNONYMS: Final = {
    **dict.fromkeys(("run", "trace", "record", "profile"), "crossings"),
    **dict.fromkeys(("lint", "scan"), "check"),
    "fix": "check --fix",
    "annotate": "adopt",
    "settings": "config",
    "undo": "restore",
    "lsp": "server",
    "version": "--version",
    "fuzz": "pytest --sekisho-fuzz=PACKAGE",
    "test": "pytest --sekisho-mode=strict",
}
"""What other programs call our commands, and words that are options."""


class _Parser(argparse.ArgumentParser):
    """A parser whose errors are one line, with the word that was probably meant."""

    def __init__(self, *, description: str, **options: Any) -> None:
        # The epilog needs its line breaks, and argparse wraps both texts or neither.
        width = shutil.get_terminal_size().columns - 2
        super().__init__(
            formatter_class=argparse.RawDescriptionHelpFormatter,
            # `check --write` would be taken for `check --write-baseline`.
            allow_abbrev=False,
            description=textwrap.fill(description, width),
            **options,
        )

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"{self.prog}: error: {_with_meant(message, self.format_help())}\n")


class _PrintCompletion(argparse.Action):
    """An action that prints what a shell needs to complete commands, options and paths."""

    def __call__(self, parser: argparse.ArgumentParser, _: Any, shell: Any, __: Any = None) -> None:
        try:
            import shtab  # noqa: PLC0415 - an extra, for this option only
        except ImportError:
            parser.error("completion needs shtab: install sekisho[tools]")
        commands: Any = next(each for each in actions_of(parser) if each.dest == "command")
        for command in commands.choices.values():
            for action in actions_of(command):
                if action.dest in _PATHS and action.nargs != 0:
                    action.complete = shtab.FILE
        sys.stdout.write(shtab.complete(parser, shell))
        parser.exit()


def _with_meant(message: str, shown: str) -> str:
    """Add to argparse's message about an unknown word the one that was probably meant."""
    choice = re.fullmatch(r"argument (\S+): invalid choice: '(.*?)' \(choose from (.*)\)", message)
    if choice:
        where, word = choice[1], choice[2]
        choices = re.findall(r"[\w-]+", choice[3])
        said = f"there is no command {word!r}" if where == "COMMAND" else f"{where} has no {word!r}"
    elif message.startswith("unrecognized arguments: -"):
        where, word = "", message.partition(": ")[2].split(" ")[0].partition("=")[0]
        choices = re.findall(r"(?<!\S)--[a-z-]+", shown)
        said = f"there is no option {word!r}"
    elif message.startswith("the following arguments are required: "):
        example = re.search(r"^examples:\n  (.*)", shown, re.MULTILINE)
        return f"{message}. For example: {example[1]}" if example else message
    else:
        return message
    # The dashes would make all short options close to each other.
    plain = {each.lstrip("-"): each for each in choices}
    close = _SYNONYMS.get(word) or plain.get(closest(word.lstrip("-"), plain) or "")
    if close:
        return f"{said}. Did you mean {close!r}?"
    return f"{said}. See --help" if not where else f"{said}. Expected one of {', '.join(choices)}"


def main(arguments: list[str] | None = None) -> int:
    """Run the command line; `arguments` are those of the process if not given."""
    _prepare_streams()
    name = "python -m sekisho" if sys.argv[0] == __file__ else "sekisho"
    parser = _Parser(prog=name, description=_ABOUT, epilog=_EPILOG)
    parser.add_argument("-V", "--version", action="version", version=f"sekisho {__version__}")
    parser.add_argument(
        "--print-completion",
        action=_PrintCompletion,
        choices=_SHELLS,
        metavar="SHELL",
        help="print the completion for bash, zsh, fish or tcsh, and exit",
    )
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    crossings.add_command(commands)
    mapping.add_command(commands)
    linting.add_command(commands)
    adopting.add_command(commands)
    configuring.add_command(commands)
    restoring.add_command(commands)
    cleaning.add_command(commands)
    serving.add_command(commands)
    arguments = sys.argv[1:] if arguments is None else arguments
    behind: list[str] = []
    if arguments[:1] == ["adopt"] and "--" in arguments:
        # argparse takes no options between two positionals, so the command after `--` is split off.
        at = arguments.index("--")
        arguments, behind = arguments[:at], arguments[at + 1 :]
    options, unknown = parser.parse_known_args(arguments)
    # `parse_args` would show the usage of the whole command line, which lacks these options.
    if unknown and options.command == "adopt" and not unknown[0].startswith("-"):
        # A script may be the package, too, as in `adopt train.py train.py`: the last one is the command.
        at = len(arguments) - 1 - arguments[::-1].index(unknown[0])
        called = " ".join([*arguments[:at], "--", *unknown])
        options.parser.error(f"the command stands behind --, as in {name} {called}")
    if unknown:
        options.parser.error(f"unrecognized arguments: {' '.join(unknown)}")
    try:
        Path.cwd()
    except OSError:  # relative paths lead nowhere
        parser.error("the folder that this runs in was removed\n  hint: cd to another one")
    options.behind = behind
    start = time.perf_counter()
    tell(options, f"version {__version__}, Python {platform.python_version()}")
    status: int = options.run(options)
    tell(options, f"{options.command} took {time.perf_counter() - start:.1f} s")
    return status


def _prepare_streams() -> None:
    """Make the streams escape the characters that they cannot print."""
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is None:  # Python was started with it closed
            setattr(sys, name, open(os.devnull, "w", encoding="utf-8"))  # noqa: SIM115, PTH123 - never closed
        elif isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def run() -> int:
    """Run the command line of this process, and return its exit status."""
    try:
        status = main()
        sys.stdout.flush()
    except OSError as error:
        # The reader of a pipe has closed it, or a report, a baseline or stdout cannot be written.
        if not isinstance(error, BrokenPipeError):
            with contextlib.suppress(OSError):
                sys.stderr.write(f"sekisho: {printable(str(error))}\n")
                sys.stderr.flush()
        for stream in (sys.stdout, sys.stderr):  # otherwise Python reports them again at exit
            with contextlib.suppress(OSError, ValueError):
                os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
        return 1
    return status


if __name__ == "__main__":
    sys.exit(run())
