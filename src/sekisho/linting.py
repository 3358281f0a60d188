"""``sekisho check``: read code without running it, and report what is wrong between libraries."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from sekisho.utils import (
    add_verbosity,
    busy,
    columns_of,
    counted,
    decode,
    has_colours,
    printable,
    tell,
)

if TYPE_CHECKING:
    import argparse
    from collections.abc import Mapping

    from sekisho.findings import Edit, Finding, Settings
    from sekisho.inference import Solution

__all__ = ["add_command", "run"]

_STDIN: Final = "-"


def add_command(commands: Any) -> None:
    """Add ``check`` to the commands of a parser."""
    parser: argparse.ArgumentParser = commands.add_parser(
        "check",
        help="read code without running it, and report what is wrong between libraries",
        description="Read Python files and notebooks, and the installed libraries that they use, "
        "without importing or running them. Files that git ignores are left out.",
        epilog="examples:\n  %(prog)s src tests\n  %(prog)s --select wrong-library --format github\n\n"
        "The exit status is 0 if nothing is found, 1 if anything is found or a file cannot be read, "
        "and 2 for wrong usage.",
    )
    paths = "a file, a folder, or - for standard input (this folder if not given)"
    parser.add_argument("paths", nargs="*", metavar="PATH", help=paths)
    _add_selection(parser)
    _add_output(parser)
    _add_changes(parser)
    add_verbosity(parser, "all but findings")
    parser.add_argument("--no-cache", action="store_true", help="neither read nor write the cache")
    parser.set_defaults(run=run, parser=parser)


def _add_selection(parser: argparse.ArgumentParser) -> None:
    codes = "codes or names of rules, separated by commas"
    parser.add_argument("--select", metavar="CODES", help=f"{codes}: report only these")
    parser.add_argument("--extend-select", metavar="CODES", help=f"{codes}: report these too")
    parser.add_argument("--ignore", metavar="CODES", help=f"{codes}: leave these out")
    parser.add_argument(
        "--baseline", type=Path, metavar="FILE", help="report only what is not in this file"
    )
    parser.add_argument(
        "--write-baseline", action="store_true", help="write what is found now into the baseline"
    )
    parser.add_argument(
        "--stdin-filename", metavar="FILE", help="the path of what is read from standard input"
    )


def _add_output(parser: argparse.ArgumentParser) -> None:
    formats = ("text", "json", "sarif", "github")
    parser.add_argument(
        "--format", choices=formats, default="text", help="how findings are printed"
    )
    parser.add_argument("--output-file", type=Path, metavar="FILE", help="write them into a file")
    parser.add_argument(
        "--statistics", action="store_true", help="print the number of findings of each code"
    )
    parser.add_argument("--exit-zero", action="store_true", help="exit with 0 if anything is found")
    parser.add_argument("--explain", metavar="CODE", help="print what a code means, and exit")


def _add_changes(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--fix", action="store_true", help="rename local names that say the wrong library"
    )
    parser.add_argument(
        "--add-ignore",
        action="store_true",
        help="add a comment to the line of each finding, so that it is not reported",
    )
    parser.add_argument(
        "--diff",
        action="store_true",
        help="print what --fix (or --add-ignore) would change, and write nothing",
    )
    parser.add_argument(
        "--force",
        action="store_true",
        help="with --fix or --add-ignore: write, though git could not bring the files back",
    )


def run(options: argparse.Namespace) -> int:
    """Read the program, and print or mend what is found."""
    from sekisho.findings import check  # noqa: PLC0415 - the other commands do not need it
    from sekisho.inference import say_missing  # noqa: PLC0415 - the same

    parser: argparse.ArgumentParser = options.parser
    if options.explain is not None:
        return _explain(options.explain, parser)
    if options.diff and not options.add_ignore:
        options.fix = True
    changes = options.fix or options.add_ignore
    _refuse_pairs(options, parser, changes=changes)
    options.paths = options.paths or ["."]
    texts = _texts(options, parser)
    if changes and texts and not options.diff:
        parser.error("standard input cannot be written into: add --diff")
    _name_journal(options, parser)
    try:
        settings = _settings(options)
        solution = _solve(options, texts)
    except FileNotFoundError as error:
        parser.error(f"there is nothing at {printable(str(error))}")
    except ValueError as error:
        parser.error(str(error))
    missing = say_missing(solution.program)
    if missing:
        sys.stderr.write(f"sekisho: {printable(missing)}\n")
    for skipped in solution.skipped:
        sys.stderr.write(
            f"sekisho: not read: {printable(skipped.path)}: {printable(skipped.why)}\n"
        )
    files = f"{counted(len(solution.program.files), 'file')}, {counted(solution.lines, 'line')}"
    tell(options, f"read {files}; settings of {settings.folder}")
    findings = check(solution, settings)
    unread = int(bool(solution.skipped))
    if options.write_baseline:
        return _note(findings, settings, parser) or unread
    findings = _new(findings, settings, parser)
    if changes:
        return _change(solution, findings, options) or unread
    _report(solution, findings, settings, options)
    return unread or int(bool(findings) and not options.exit_zero)


def _refuse_pairs(
    options: argparse.Namespace, parser: argparse.ArgumentParser, *, changes: bool
) -> None:
    """Refuse options that would say nothing beside others."""
    for name, is_used in (
        ("--format", options.format != "text"),
        ("--output-file", options.output_file is not None),
        ("--statistics", options.statistics),
        ("--exit-zero", options.exit_zero),
    ):
        if is_used and changes:
            parser.error(f"{name} does not go with --fix, --add-ignore or --diff")
    if options.statistics and options.format != "text":
        parser.error("--statistics prints text: it does not go with --format")
    if options.write_baseline and changes:
        parser.error(
            "--write-baseline notes what is found: run it after --fix or --add-ignore, not with it"
        )


def _explain(word: str, parser: argparse.ArgumentParser) -> int:
    from sekisho.findings import CODES, explain, to_code  # noqa: PLC0415 - only `check` needs it

    try:
        rule = CODES.get(to_code(word))
    except ValueError as error:
        parser.error(str(error))
    if rule is None:
        parser.error(f"--explain takes one code, got {word!r}")
    sys.stdout.write(f"{rule.code} {rule.name}: {rule.title}\n\n{explain(rule.code)[1]}\n")
    return 0


def _texts(options: argparse.Namespace, parser: argparse.ArgumentParser) -> dict[str, bytes]:
    """What is read from standard input, by the path that it is said to have."""
    if options.paths != [_STDIN]:
        if _STDIN in options.paths:
            parser.error("- stands alone: standard input is the one file that is read")
        if options.stdin_filename is not None:
            parser.error("--stdin-filename goes with the path -")
        return {}
    if sys.stdin is None or not hasattr(sys.stdin, "buffer"):
        parser.error("standard input is closed")
    name = str(Path(options.stdin_filename or "stdin.py"))
    options.paths = [name]
    return {name: sys.stdin.buffer.read()}


def _solve(options: argparse.Namespace, texts: Mapping[str, bytes]) -> Solution:
    from sekisho.code import Cache  # noqa: PLC0415 - the other commands do not need it
    from sekisho.inference import solve  # noqa: PLC0415 - the same

    with busy("reading"):
        return solve(options.paths, Cache(keeps=not options.no_cache), texts=texts)


def _report(
    solution: Solution, findings: list[Finding], settings: Settings, options: argparse.Namespace
) -> None:
    from sekisho.findings import FORMATS, Report, statistics  # noqa: PLC0415 - only `check` needs it
    from sekisho.writing import replace_file  # noqa: PLC0415 - the same

    is_data = options.format in {"json", "sarif"}
    colours = options.format == "text" and not options.output_file and has_colours(sys.stdout)
    files = {file.path: file for file in solution.program.files.values()}
    columns = None if options.output_file else columns_of(sys.stdout)
    report = Report(findings, settings, files, colours, columns, is_quiet=options.quiet)
    text = statistics(report) if options.statistics else FORMATS[options.format](report)
    if options.output_file is not None:
        replace_file(options.output_file, text.encode("utf-8", "backslashreplace"))
    else:
        _print(text, is_data=is_data)


def _print(text: str, *, is_data: bool) -> None:
    """Print; data as UTF-8, whatever a terminal here would want."""
    buffer = getattr(sys.stdout, "buffer", None) if is_data else None
    if buffer is None:
        sys.stdout.write(text)
        return
    sys.stdout.flush()
    buffer.write(text.encode("utf-8"))
    buffer.flush()


def _name_journal(options: argparse.Namespace, parser: argparse.ArgumentParser) -> None:
    """Say that a run which was killed has left files half done; refuse to write into them."""
    from sekisho.writing import find_journal, say_journal  # noqa: PLC0415 - imported at a run only

    journal = find_journal(options.paths)
    if journal is not None:
        if (options.fix or options.add_ignore) and not options.diff:
            parser.error(say_journal(journal))
        sys.stderr.write(f"sekisho: {say_journal(journal)}\n")


def _settings(options: argparse.Namespace) -> Settings:
    from sekisho.findings import read_settings, to_code  # noqa: PLC0415 - imported at a run only

    settings = read_settings(options.paths)

    def codes(given: str) -> tuple[str, ...]:
        return tuple(to_code(code.strip()) for code in given.split(","))

    more = codes(options.extend_select) if options.extend_select is not None else ()
    return settings._replace(
        select=settings.select if options.select is None else codes(options.select),
        extend_select=more if options.select is not None else (*settings.extend_select, *more),
        ignore=settings.ignore if options.ignore is None else codes(options.ignore),
        baseline=options.baseline or settings.baseline,
    )


def _note(findings: list[Finding], settings: Settings, parser: argparse.ArgumentParser) -> int:
    from sekisho.findings import write_baseline  # noqa: PLC0415 - imported at a run only

    if settings.baseline is None:
        parser.error(
            "--write-baseline needs a file: --baseline FILE, or baseline in pyproject.toml"
        )
    count = write_baseline(settings.baseline, findings, settings)
    sys.stdout.write(f"{counted(count, 'finding')} noted in {printable(str(settings.baseline))}\n")
    return 0


def _new(
    findings: list[Finding], settings: Settings, parser: argparse.ArgumentParser
) -> list[Finding]:
    from sekisho.findings import read_baseline, without_known  # noqa: PLC0415 - imported at a run only

    if settings.baseline is None:
        return findings
    try:
        known = read_baseline(settings.baseline)
    except ValueError as error:
        parser.error(str(error))
    return [*without_known(findings, known, settings)]


def _change(solution: Solution, findings: list[Finding], options: argparse.Namespace) -> int:
    """Mend what is certain, ignore the rest: a diff, or the files themselves. The status tells what is left."""
    from sekisho.findings import edits_of  # noqa: PLC0415 - imported at a run only
    from sekisho.writing import Interrupted, RestoreError, end_by, ending_signals_raise  # noqa: PLC0415 - the same

    try:
        edits, left = edits_of(
            solution.program.files.values(),
            findings,
            fixes=options.fix,
            ignores=options.add_ignore,
        )
        if options.diff:
            _print_differences(edits)
            _say(left, _summary(edits, findings, options))
            return int(bool(findings))
        if not options.force:
            _refuse_unrecoverable(edits, options.parser)
        with ending_signals_raise():
            return _write(edits, left, findings, options)
    except ImportError:
        options.parser.error("--fix needs libcst: install sekisho[tools]")
    except KeyboardInterrupt as interrupt:
        sys.stderr.write("sekisho: interrupted. Each file is as it was, or all are written\n")
        end_by(interrupt.number if isinstance(interrupt, Interrupted) else signal.SIGINT)
    except RestoreError as error:
        sys.stderr.write(f"sekisho: {error}\n")
    return 1


def _say(left: list[str], summary: str) -> None:
    sys.stderr.write("".join(f"sekisho: {line}\n" for line in left) + summary)


def _refuse_unrecoverable(edits: list[Edit], parser: argparse.ArgumentParser) -> None:
    """Refuse to write where git could not bring the files back."""
    from sekisho.writing import say_unrecoverable  # noqa: PLC0415 - imported at a run only

    folders: dict[str, list[str]] = {}
    for edit in edits:
        folder, name = os.path.split(os.path.realpath(edit.change.path))  # what is written into
        folders.setdefault(folder, []).append(name)
    for folder, (first, *others) in folders.items():
        why = say_unrecoverable(str(Path(folder, first)), *others)
        if why is not None:
            parser.error(why)


def _print_differences(edits: list[Edit]) -> None:
    from sekisho.findings import difference  # noqa: PLC0415 - imported at a run only

    for path, before, after in (edit.change for edit in edits):
        sys.stdout.write(difference(path, decode(before)[0], decode(after)[0]))


def _write(
    edits: list[Edit], left: list[str], findings: list[Finding], options: argparse.Namespace
) -> int:
    from sekisho.writing import Transaction  # noqa: PLC0415 - imported at a run only

    try:
        with Transaction([edit.change for edit in edits]) as written:
            written.commit()
    except OSError as error:
        sys.stderr.write(f"sekisho: {error}. The files are as they were.\n")
        return 1
    for path, why in written.left_alone.items():
        left.append(f"left alone: {printable(path)}: {why}")
    edits = [edit for edit in edits if edit.change.path not in written.left_alone]
    _say(left, _summary(edits, findings, options))
    return int(sum(edit.mended + edit.ignored for edit in edits) < len(findings))


def _summary(edits: list[Edit], findings: list[Finding], options: argparse.Namespace) -> str:
    can_be = "can be " if options.diff else ""
    mended = f"{sum(edit.mended for edit in edits)} of {len(findings)} findings {can_be}mended"
    ignored = f"{sum(edit.ignored for edit in edits)} of {len(findings)} findings {can_be}ignored"
    said = [mended] * options.fix + [ignored] * options.add_ignore
    return f"{', '.join(said)}\n"
