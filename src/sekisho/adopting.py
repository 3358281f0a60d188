"""``python -m sekisho adopt PACKAGE -- COMMAND...``: write the contracts that running code keeps.

The command runs as it would, its processes note what the package's functions are called with
(`sekisho.tracer`), and what every call has kept becomes decorators and annotations
(`sekisho.deduction`, `sekisho.adoption`). Once written, the command runs again under them, in strict
mode, and what does not hold is taken out.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Final

from sekisho.errors import DeclarationError, MutationError
from sekisho.utils import add_verbosity, busy, counted, printable, tell

if TYPE_CHECKING:
    from collections import Counter
    from collections.abc import Mapping

    from sekisho.adoption import Plan, Reading, Settings, Snapshot, Sources, Unkept
    from sekisho.tracer import Observed, Place
    from sekisho.writing import Transaction

__all__ = ["add_command", "run"]

_FLAG: Final = argparse.BooleanOptionalAction
_WIDTH: Final = 100
_FORMATTERS_WIDTH: Final = 88
"""As ruff and black have it where nothing is said."""
_MOST_ROUNDS: Final = 3
"""Runs after which a function is not mended place by place any more."""


def add_command(commands: Any) -> None:
    """Add ``adopt`` to the commands of a parser."""
    parser: argparse.ArgumentParser = commands.add_parser(
        "adopt",
        help="run a program, and write the contracts that its functions have kept",
        usage="%(prog)s [options] PACKAGE -- COMMAND...",
        description="Run a program, note what the functions of a package are called with, and print "
        "a diff that gives them decorators and annotations. The command is run as it stands, or by "
        "this Python if it begins with -m or names a script.",
        epilog="examples:\n  %(prog)s src/mypackage -- -m pytest tests\n"
        "  %(prog)s --write src/mypackage -- train.py --epochs 1\n\n"
        "The exit status is the command's, 1 if something could not be written, or 2 for wrong usage.",
    )
    parser.add_argument("package", help="its name, or the path of a folder or a file")
    parser.add_argument("--write", action="store_true", help="write it, and run the command again")
    parser.add_argument(
        "--force",
        action="store_true",
        help="with --write: though git could not bring the files back",
    )
    pattern = "a qualified name, with * for any characters; may be given again"
    parser.add_argument("--select", action="append", metavar="NAME", help=pattern)
    calls = "write nothing at functions that were called less often"
    parser.add_argument("--min-calls", type=int, metavar="N", help=calls)
    parser.add_argument("--arrays-only", action=_FLAG, help="annotate nothing but arrays")
    kept = "leave annotations that are plain classes of arrays as they are"
    parser.add_argument("--keep-annotations", action=_FLAG, help=kept)
    parser.add_argument("--runs", type=int, metavar="N", help="run so often, and merge")
    parser.add_argument(
        "--worlds", action="store_true", help="print the table for the import hook instead"
    )
    add_verbosity(parser, "the summary")
    parser.set_defaults(run=run, parser=parser)


def run(options: argparse.Namespace) -> int:
    """Run the command, and write what it has kept. Whatever ends it, the files are in order."""
    from sekisho.writing import Interrupted, RestoreError, end_by, ending_signals_raise  # noqa: PLC0415 - the other commands do without

    options.rounds = []
    try:
        with ending_signals_raise():
            return _run_all(options)
    except KeyboardInterrupt as interrupt:
        _say(f"interrupted. {_state(options)}")
        end_by(interrupt.number if isinstance(interrupt, Interrupted) else signal.SIGINT)
    except RestoreError as error:
        _say(str(error))
    except OSError as error:
        _say(f"{error}. {_state(options)}")
    return 1


def _state(options: argparse.Namespace) -> str:
    """Say what the files hold now, and name those that hold something else."""
    left_alone = _left_alone(options.rounds)
    which = "All other" if left_alone else "The"
    if options.rounds and options.rounds[-1].is_committed:
        state = f"{which} contracts are written, and the command has confirmed them."
    else:
        state = f"{which} files are as they were."
    return "\n".join([state, *(f"sekisho: {line}" for line in _named(left_alone))])


def _left_alone(rounds: list[Transaction]) -> dict[str, str]:
    """The files that a round has not written or not restored; the first reason says what happened."""
    found: dict[str, str] = {}
    for written in rounds:
        found = written.left_alone | found
    return found


def _named(left_alone: Mapping[str, str]) -> list[str]:
    return [f"left alone: {printable(path)}: {why}" for path, why in left_alone.items()]


def _run_all(options: argparse.Namespace) -> int:
    from sekisho.adoption import Settings, Snapshot, deduce_all, make_plan, to_table  # noqa: PLC0415 - imported at a run only
    from sekisho.package import fill_options  # noqa: PLC0415 - imported at a run only
    from sekisho.writing import say_unrecoverable  # noqa: PLC0415 - imported at a run only

    parser: argparse.ArgumentParser = options.parser
    command = _command(options.behind, parser)
    root = _root(options.package, parser)
    try:
        fill_options(options, "adopt", Path(root))
    except DeclarationError as error:
        parser.error(str(error))
    if options.runs < 1:
        parser.error("--runs must be 1 or more")
    _refuse_interrupted(root, parser)
    snapshot = Snapshot(root)
    for path in (root, *snapshot.links) if options.write and not options.force else ():
        if why := say_unrecoverable(path):
            parser.error(why)
    width = _width_of(root, parser)  # before the command takes its time
    tell(options, f"running {shlex.join(command)}, and noting the calls of {root}")
    status, observed, travels = _observe(snapshot.roots, command, options.runs)
    tell(options, f"{counted(len(observed), 'function')} called; reading {root}")
    reading = _read(root, observed)
    if not observed:
        lines = [f"{Path(each.path).name}: {each}" for each in reading.blocks]
        lines += [f"not read: {each.path}: {each.why}" for each in snapshot.skipped]
        text = f"the command called no function of {printable(options.package)} (status {status})"
        parser.error("\n  ".join([text, *map(printable, lines)]))
    settings = Settings(
        tuple(options.select),
        options.min_calls,
        options.arrays_only,
        width,
        options.keep_annotations,
    )
    seen = deduce_all(observed, travels, reading, snapshot)
    try:
        plan = make_plan(seen, settings)
    except ImportError:
        parser.error("adopt needs libcst: install sekisho[tools]")
    if options.worlds:
        sys.stdout.write(to_table(plan, *_names(plan, snapshot, options.package)))
        return 0
    if not options.write or all(file.before == file.after for file in plan.files):
        _report(plan, options)
        _say(f"the command has ended with status {status}; what it saw counts" if status else "")
        return _exit_status(status)
    return _write_and_hold(seen, settings, plan, command, status, options)


def _say(text: str) -> None:
    if text:
        sys.stderr.write(f"sekisho: {text}\n")


def _command(words: list[str], parser: argparse.ArgumentParser) -> list[str]:
    if not words:
        parser.error("there is no command: python -m sekisho adopt PACKAGE -- -m pytest tests")
    if words[0] in {"-m", "-c"} or words[0].endswith(".py"):
        return [sys.executable, *words]
    if shutil.which(words[0]) is None:
        parser.error(f"there is no command {words[0]!r}")
    return words


def _root(package: str, parser: argparse.ArgumentParser) -> str:
    """The folder or the file of a package, wherever it is; nothing of it is imported."""
    if Path(package).exists():
        return os.path.realpath(package)
    relative = Path(*package.split("."))
    for entry in ("", "src", *sys.path):
        for path in (Path(entry) / relative, (Path(entry) / relative).with_suffix(".py")):
            if path.is_dir() or path.is_file():
                return os.path.realpath(path)
    return parser.error(f"there is no package {package!r}, neither by its path nor by its name")


def _refuse_interrupted(root: str, parser: argparse.ArgumentParser) -> None:
    """Refuse to run on files that a killed run has left, and whose state is not confirmed."""
    from sekisho.writing import find_journal, say_journal  # noqa: PLC0415 - imported at a run only

    journal = find_journal([root])
    if journal is not None:
        parser.error(say_journal(journal))


def _width_of(root: str, parser: argparse.ArgumentParser) -> int:
    """How long a line may be, as the project's formatter has it."""
    from sekisho.package import read_tools  # noqa: PLC0415 - imported at a run only

    try:
        path, tools = read_tools(Path(root))
    except DeclarationError as error:
        parser.error(str(error))
    if path is None:
        return _WIDTH
    tables: list[Any] = [tools.get(name) for name in ("ruff", "black")]
    widths = [table.get("line-length") for table in tables if hasattr(table, "get")]
    return next((each for each in widths if isinstance(each, int)), _FORMATTERS_WIDTH)


def _observe(
    roots: tuple[str, ...], command: list[str], runs: int
) -> tuple[int, list[Observed], Counter[tuple[Place, Place]]]:
    """Run the command so often; its worst status, and what was seen."""
    from sekisho.tracer import environment_for, read_journals, what_is_missing  # noqa: PLC0415 - imported at a run only

    folder = Path(tempfile.mkdtemp(prefix="sekisho-"))
    try:
        status = 0
        for _ in range(runs):
            status = _run(command, environment_for(folder, roots)) or status
        observed, travels = read_journals(folder)
        missing = what_is_missing(folder)
        _say(f"not all calls were seen: {missing}" if missing else "")
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return status, observed, travels


def _run(
    command: list[str], environment: Mapping[str, str], printed: IO[bytes] | None = None
) -> int:
    done = subprocess.run(  # noqa: S603 - the user's own
        command,
        env={**os.environ, **environment},
        stdout=printed,
        stderr=printed,
        check=False,
    )
    return done.returncode


def _read(root: str, observed: list[Observed]) -> Reading:
    """What reading the package tells of its functions, called as they were, on every path."""
    from sekisho.adoption import read_solution, values_seen  # noqa: PLC0415 - imported at a run only
    from sekisho.code import Cache  # noqa: PLC0415 - imported at a run only
    from sekisho.inference import solve  # noqa: PLC0415 - imported at a run only

    with busy("reading"):
        solution = solve((root,), Cache(), values_seen(observed))
    return read_solution(solution, {(each.path, each.name) for each in observed})


def _names(plan: Plan, snapshot: Snapshot, package: str) -> tuple[dict[str, str], str]:
    from sekisho.code import Skipped, read_file  # noqa: PLC0415 - imported at a run only

    modules: dict[str, str] = {}
    for file in plan.files:
        read = read_file(Path(snapshot.named(file.path)))
        modules[file.path] = "" if isinstance(read, Skipped) else read.module
    top = {name.partition(".")[0] for name in modules.values() if name}
    return modules, top.pop() if len(top) == 1 else package


def _write_and_hold(
    seen: Sources,
    settings: Settings,
    plan: Plan,
    command: list[str],
    status: int,
    options: argparse.Namespace,
) -> int:
    """Write, run the command under the guards, and take out what does not hold.

    The transaction of each round is noted in the options, so that `_state` can say what it has left.
    """
    from sekisho.adoption import make_plan  # noqa: PLC0415 - imported at a run only

    dropped: dict[Unkept, str] = {}
    rounds: list[Transaction] = options.rounds
    while True:
        tell(options, f"running the command under the guards, round {len(rounds) + 1}")
        written = _writing(plan)
        rounds.append(written)
        with written:
            again, refused, output = _run_guarded(command)
            if again == status and (status == 0 or not refused):
                written.commit()
        if written.is_committed:
            break
        new = _blamed(refused, plan, again)
        for unkept in [*new]:
            # Each round is a run; and a boundary that is refused, too, has no weaker decorator.
            is_last = unkept.part in {"decorator", "mutates"} and unkept in dropped
            if len(rounds) > _MOST_ROUNDS or is_last:
                new[unkept._replace(part="everything", name="")] = new.pop(unkept)
        if not new.keys() - dropped.keys():
            sys.stderr.write(output)
            _say(
                f"under the guards the command ends with status {again}, not {status}, and no "
                f"contract is to blame. {_state(options)}"
            )
            return 1
        dropped = {**new, **dropped}
        plan = make_plan(seen, settings, dropped, plan)
    left_alone = _left_alone(rounds)
    _report(_without(plan, left_alone), options)
    for unkept, text in dropped.items():
        is_done = unkept.part == "mutates"
        what = "declared, since a call did it" if is_done else "taken out, since it did not hold"
        _say(f"{what}: {unkept.function}, {unkept.place}: {text}")
    for line in _named(left_alone):
        _say(line)
    if not options.quiet:
        _say(f"run again under the guards, in strict mode: status {again}, as before")
    return _exit_status(status) or int(bool(left_alone))


def _exit_status(status: int) -> int:
    """The exit status for a command's: of one that a signal has ended, as a shell has it."""
    return 128 - status if status < 0 else status


def _report(plan: Plan, options: argparse.Namespace) -> None:
    from sekisho.adoption import to_diff, to_text  # noqa: PLC0415 - imported at a run only

    sys.stdout.write(to_diff(plan))
    sys.stdout.flush()
    if not options.quiet:
        sys.stderr.write(to_text(plan, options.select))


def _writing(plan: Plan) -> Transaction:
    from sekisho.writing import Change, Transaction  # noqa: PLC0415 - imported at a run only

    return Transaction([Change(*file[:3]) for file in plan.files])


def _without(plan: Plan, paths: Mapping[str, str]) -> Plan:
    """What of a plan is in the files, where some were left alone."""
    return plan._replace(files=tuple([file for file in plan.files if file.path not in paths]))


def _run_guarded(command: list[str]) -> tuple[int, list[dict[str, str]], str]:
    """Run the command in strict mode; its status, what guards have refused, and what it printed.

    What it printed is shown only where it fails in the end.
    """
    with tempfile.TemporaryDirectory(prefix="sekisho-") as folder:
        path, printed = Path(folder) / "refused", Path(folder) / "printed"
        environment = {"SEKISHO_MODE": "strict violations=refuse", "SEKISHO_REFUSALS": str(path)}
        with printed.open("wb") as file:
            status = _run(command, environment, file)
        lines = path.read_text("utf-8").splitlines() if path.exists() else []
        output = printed.read_text("utf-8", errors="backslashreplace")
    return status, [json.loads(line) for line in lines], output


def _blamed(refused: list[dict[str, str]], plan: Plan, status: int) -> dict[Unkept, str]:
    """What of the plan a run has not kept, each with the reason."""
    if refused:
        return {_guilty(each, plan): each["text"] for each in refused}
    # A name that the code asks for may be no class, or not be there yet while modules are imported.
    return dict.fromkeys(plan.with_classes(), f"the command ended with status {status}")


def _guilty(refused: Mapping[str, str], plan: Plan) -> Unkept:
    """What of the plan a guard has refused a value for."""
    from sekisho.adoption import Unkept  # noqa: PLC0415 - imported at a run only

    path, name, place = os.path.realpath(refused["file"]), refused["function"], refused["place"]
    if place == "declaration":
        return Unkept(path, name, "declaration")
    argument = re.match(r"argument '(\w+)'", place)
    if argument and refused["error"] == MutationError.__name__:
        return Unkept(path, name, "mutates", argument[1])
    written = {
        each
        for file in plan.files
        if file.path == path
        for choice in file.choices
        if choice.definition.name == name and choice.edit is not None
        for each in (*choice.edit.annotations, *choice.edit.refined)
    }
    part = argument[1] if argument else "return" if place != "body" else ""
    if part in written:
        return Unkept(path, name, "annotation", part)
    return Unkept(path, name, "decorator")
