"""``sekisho crossings script.py``: run a program, and report what crossed in it.

The program runs in a process of its own, as with ``python script.py``: its output, its exit and its
arguments are its own. It records itself, and so do all Python processes that it starts (see
`sekisho.recorder`). When it has ended, in whatever way, this process reads what they have written.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from sekisho.errors import DeclarationError
from sekisho.log import KEEP_OF_PROGRAM, MAIN, CrossingLog, Process, Row
from sekisho.utils import actions_of, add_verbosity, closest, interpreter_flags, printable, tell
from sekisho.writing import end_by, replace_file

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["Limit", "add_command", "failing_rows", "read_limit", "run"]


class Limit(NamedTuple):
    """The most that ``--fail-on`` allows of ``"crossings"``, ``"bytes"`` or ``"undeclared"``."""

    what: str
    most: int


_UNITS: Final = {"": 1, "k": 10**3, "m": 10**6, "g": 10**9}


def read_limit(text: str) -> Limit:
    """Read ``"undeclared"``, ``"crossings>100"`` or ``"bytes>1.5M"``.

    Raises:
        ValueError: for anything else.
    """
    match = re.fullmatch(
        r"\s*(undeclared|crossings|bytes)\s*(?:>\s*(\d+(?:\.\d+)?)\s*([kmg]?)b?)?\s*", text.lower()
    )
    if match is None or (match[2] is None and match[1] != "undeclared"):
        raise ValueError(
            f"--fail-on {text!r}: expected undeclared, crossings>NUMBER or bytes>NUMBER "
            "(with k, M or G)"
        )
    return Limit(match[1], round(float(match[2] or 0) * _UNITS[match[3] or ""]))


def failing_rows(log: CrossingLog, limits: list[Limit]) -> tuple[list[str], list[Row]]:
    """Return what exceeds its limit or is missing, in words, and the rows behind it, largest first.

    Crossings between libraries and moves between devices count; Python numbers do not.
    """
    said: list[str] = []
    guilty: dict[Row, None] = {}
    for what, most in limits:
        rows = [row for row in log.rows if row.kind in {"crossing", "move"}]
        if what == "undeclared":
            rows = [row for row in rows if row.kind == "crossing" and not row.declared]
        amount = sum(row.nbytes if what == "bytes" else row.count for row in rows)
        if amount > most:
            name = "undeclared crossings" if what == "undeclared" else what
            said.append(f"{amount:,} {name}, at most {most:,} allowed")
            rows.sort(key=lambda row: -(row.nbytes if what == "bytes" else row.count))
            guilty |= dict.fromkeys(rows)
    if limits:  # what is missing may exceed them
        lost = [each for each in log.processes if each.lost]
        said += [f"{each.name} (process {each.pid}): {each.lost}" for each in lost]
    return said, list(guilty)


def add_command(commands: Any) -> None:
    """Add ``crossings`` to the commands of a parser."""
    parser: argparse.ArgumentParser = commands.add_parser(
        "crossings",
        help="run a program, and say what crossed in it, where, how often and at what cost",
        usage="%(prog)s [options] (script.py | -m module) [ARGS...]",
        description="Run a program as Python would, and print, to standard error, what crossed in "
        "it, whoever wrote it, also if it ends by an error, by sys.exit or by a signal.",
        epilog="examples:\n  %(prog)s --html report.html train.py --epochs 1\n"
        "  %(prog)s --fail-on undeclared -m pytest tests\n\n"
        "The exit status is the program's, or 1 if --fail-on says so, or 2 for wrong usage.",
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all there is as JSON")
    parser.add_argument("--html", type=Path, metavar="FILE", help="write a page with a picture")
    parser.add_argument(
        "--github", action="store_true", help="print annotations for GitHub Actions"
    )
    parser.add_argument("--mermaid", action="store_true", help="print a flowchart, not the table")
    add_verbosity(parser, "the table")
    parser.add_argument("--top", type=_whole, metavar="N", help="lines of the table (40)")
    events = f"crossings that each process writes one by one into the JSON ({KEEP_OF_PROGRAM})"
    parser.add_argument("--keep", type=_whole, metavar="N", help=events)
    parser.add_argument(
        "--broadcasting",
        action=argparse.BooleanOptionalAction,
        help="also operations that expand both operands, as (n, 1) - (n,)",
    )
    own = "an installed package whose lines are your own, too; may be given again"
    parser.add_argument("--own", action="append", metavar="PACKAGE", help=own)
    limits = "undeclared, crossings>N or bytes>N: exit with 1 if so; may be given again"
    parser.add_argument("--fail-on", action="append", metavar="LIMIT", help=limits)
    parser.add_argument("-m", dest="module", action="store_true", help="run a module")
    parser.add_argument("program", help="the script, or with -m the module")
    parser.add_argument("args", nargs="...", help="its own arguments")
    parser.set_defaults(run=run, parser=parser)


def _whole(text: str) -> int:
    if not text.isdecimal():  # argparse would name this function in its message
        raise argparse.ArgumentTypeError(f"expected a whole number, got {text!r}")
    return int(text)


def run(options: argparse.Namespace) -> int:
    """Run the program, report, and return the exit status."""
    parser: argparse.ArgumentParser = options.parser
    if not options.module and not Path(options.program).is_file():
        parser.error(f"there is no script {options.program!r}{_how_to_run(options)}")
    if behind := _behind(options):
        sys.stderr.write(
            f"sekisho: {behind} is passed to {printable(options.program)}: "
            "options of crossings stand in front of the script\n"
        )
    if sys.flags.ignore_environment or sys.flags.no_site:
        parser.error("a program cannot be recorded by a Python that is run with -E, -I or -S")
    from sekisho.package import fill_options  # noqa: PLC0415 - the pytest plugin reads limits only

    try:
        fill_options(options, "crossings", Path.cwd())
        limits = [read_limit(text) for text in options.fail_on]
    except (DeclarationError, ValueError) as error:
        parser.error(str(error))
    for path in (options.json, options.html):
        if path is not None and not path.parent.is_dir():
            parser.error(f"there is no folder for {str(path)!r}")
    status, log = _record(options)
    said, guilty = failing_rows(log.merged(), limits)
    _report(log, options, said, guilty)
    if status < 0:
        # End with the same signal, so that a shell sees how the program has ended.
        end_by(-status)
    return status or bool(said)


def _behind(options: argparse.Namespace) -> str:
    """Return an option of this command that stands behind a script which does not know it."""
    ours = {each for action in actions_of(options.parser) for each in action.option_strings}
    given = [each.partition("=")[0] for each in options.args]
    behind = [each for each in given if each.startswith("--") and each in ours - {"--help"}]
    if options.module or not behind:
        return ""
    text = Path(options.program).read_text("utf-8", "replace")
    return next((each for each in behind if each.removeprefix("--") not in text), "")


def _how_to_run(options: argparse.Namespace) -> str:
    """Return what was probably meant by a script that does not exist, as the end of a message."""
    command, program = options.parser.prog, options.program
    path = Path(program)
    if options.args and re.fullmatch(r"python[\d.]*", path.name):
        return f". Leave out {program!r}: {shlex.join(['sekisho', 'crossings', *options.args])}"
    if path.suffix != ".py" and importlib.util.find_spec(program.partition(".")[0]) is not None:
        return f". To run a module: {command} -m {program}"
    close = closest(path.name, [each.name for each in path.parent.glob("*.py")])
    return f". Did you mean {str(path.parent / close)!r}?" if close else ""


def _record(options: argparse.Namespace) -> tuple[int, CrossingLog]:
    from sekisho.recorder import environment_for, read_folder  # noqa: PLC0415 - only this command needs it

    folder = Path(tempfile.mkdtemp(prefix="sekisho-"))
    try:
        environment = environment_for(
            folder, options.keep, tuple(options.own), broadcasting=options.broadcasting
        )
        module = ["-m"] if options.module else []
        flags: list[str] = interpreter_flags()
        command: list[str] = [sys.executable, *flags, *module, options.program, *options.args]
        tell(options, f"running {shlex.join(command)}")
        start = time.perf_counter()
        with subprocess.Popen(command, env={**os.environ, **environment}) as program:  # noqa: S603 - the user's program
            status = _wait_for(program)
        seconds = time.perf_counter() - start
        log = read_folder(folder, options.keep, main=program.pid)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    ended = f"was killed by {signal.Signals(-status).name}" if status < 0 else ""
    # A program that ended too early has not recorded itself.
    known = next((p for p in log.processes if p.name == MAIN), Process(MAIN, program.pid, seconds))
    others = [process for process in log.processes if process.name != MAIN]
    log.processes = (known._replace(seconds=seconds, ended=ended), *others)
    for each in log.processes:
        libraries = ", ".join(each.libraries) or "no library with arrays beside NumPy"
        tell(options, f"{each.name} (process {each.pid}) imported {libraries}")
    return status, log


def _wait_for(program: subprocess.Popen[bytes]) -> int:
    """Wait for the program, and pass signals on to it. It gets ^C from the terminal itself."""
    passed = [each for each in ("SIGTERM", "SIGHUP", "SIGQUIT") if hasattr(signal, each)]
    # The program decides what ^C means; this process stays to report.
    before = {signal.SIGINT: signal.signal(signal.SIGINT, signal.SIG_IGN)}
    for name in passed:
        number = getattr(signal, name)
        before[number] = signal.signal(number, lambda sent, _frame: program.send_signal(sent))
    try:
        return program.wait()
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _report(
    log: CrossingLog, options: argparse.Namespace, said: list[str], guilty: list[Row]
) -> None:
    error = sys.stderr
    reports: list[tuple[Path | None, Callable[[], str]]] = [
        (options.json, lambda: json.dumps(log.to_dict(), indent=1) + "\n"),
        (options.html, log.to_html),
    ]
    for path, make in reports:
        if path is not None:
            try:
                replace_file(path, make().encode("utf-8", "backslashreplace"))
            except OSError as problem:  # the other reports are still written
                said.append(f"{path} is not written: {problem.strerror}")
    if options.mermaid:
        error.write(f"\n{log.to_mermaid()}")
    elif not options.quiet:
        error.write("\n")
        log.print(error, options.top)
    if options.github:
        sys.stdout.write("".join(f"{line}\n" for line in log.to_annotations(guilty)))
    for each in said:
        error.write(f"\nsekisho: failed: {printable(each)}\n")
    for row in guilty if said else ():
        error.write(f"  {printable(str(row))}\n")
