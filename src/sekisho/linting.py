"""``python -m sekisho check PATH...``: what is wrong at the border, before anything runs."""

from __future__ import annotations

import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from sekisho.ground import decode, printable

if TYPE_CHECKING:
    import argparse

    from sekisho.code import SourceFile
    from sekisho.findings import Finding, Settings
    from sekisho.inference import Solution
    from sekisho.writing import Change

__all__ = ["add_command", "run"]


def add_command(commands: Any) -> None:
    """Add ``check`` to the commands of a parser."""
    parser: argparse.ArgumentParser = commands.add_parser(
        "check",
        help="read code without running it, and find what is wrong at the border",
        description="Read Python files and notebooks, and the installed libraries that they use. "
        "Nothing of it is imported or run.",
        epilog="examples:\n  %(prog)s src tests\n  %(prog)s --select SK107 --format github .\n\n"
        "The exit status is 0 if nothing is found, 1 if anything is, and 2 for wrong usage.",
    )
    parser.add_argument("paths", nargs="+", metavar="PATH", help="a file, or a folder")
    codes = "codes, or how they begin, with commas: SK101,SK107"
    parser.add_argument("--select", metavar="CODES", help=f"{codes}: only these")
    parser.add_argument("--ignore", metavar="CODES", help=f"{codes}: not these")
    formats = ("text", "json", "sarif", "github")
    parser.add_argument(
        "--format", choices=formats, default="text", help="how findings are printed"
    )
    parser.add_argument("--baseline", type=Path, metavar="FILE", help="tell only what is not in it")
    parser.add_argument(
        "--write-baseline", action="store_true", help="note in the baseline what is found now"
    )
    parser.add_argument(
        "--fix", action="store_true", help="print a diff that renames local names that lie"
    )
    parser.add_argument(
        "--add-ignore",
        action="store_true",
        help="print a diff that adds a comment to the line of each finding, so that it is not told",
    )
    parser.add_argument(
        "--write",
        action="store_true",
        help="with --fix or --add-ignore: write it into the files",
    )
    parser.add_argument(
        "--force",
        action="store_true",
        help="with --write: though git could not bring the files back",
    )
    parser.add_argument("--no-cache", action="store_true", help="neither read nor write the cache")
    parser.set_defaults(run=run, parser=parser)


def run(options: argparse.Namespace) -> int:
    """Read the program, and print what is found."""
    from sekisho.code import Cache  # noqa: PLC0415 - the other commands do without
    from sekisho.findings import FORMATS, check  # noqa: PLC0415 - likewise
    from sekisho.inference import solve  # noqa: PLC0415 - likewise

    parser: argparse.ArgumentParser = options.parser
    if options.write and not (options.fix or options.add_ignore):
        parser.error("--write goes with --fix or --add-ignore")
    _name_journal(options, parser)
    try:
        settings = _settings(options)
        solution = solve(options.paths, Cache(keeps=not options.no_cache))
    except FileNotFoundError as error:
        parser.error(f"there is nothing at {printable(str(error))}")
    except ValueError as error:
        parser.error(str(error))
    for skipped in solution.skipped:
        sys.stderr.write(
            f"sekisho: not read: {printable(skipped.path)}: {printable(skipped.why)}\n"
        )
    findings = check(solution, settings)
    if options.write_baseline:
        return _note(findings, settings, parser)
    findings = _new(findings, settings, parser)
    if options.fix or options.add_ignore:
        return _change(solution, findings, options)
    _print(FORMATS[options.format](findings, settings), is_data=options.format in {"json", "sarif"})
    return int(bool(findings))


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
    from sekisho.writing import find_journal, say_journal  # noqa: PLC0415 - as above

    journal = find_journal(options.paths)
    if journal is not None:
        if options.write:
            parser.error(say_journal(journal))
        sys.stderr.write(f"sekisho: {say_journal(journal)}\n")


def _settings(options: argparse.Namespace) -> Settings:
    from sekisho.findings import known_code, read_settings  # noqa: PLC0415 - as above

    settings = read_settings(options.paths)

    def codes(given: str) -> tuple[str, ...]:
        return tuple(known_code(code.strip()) for code in given.split(","))

    return settings._replace(
        select=settings.select if options.select is None else codes(options.select),
        ignore=settings.ignore if options.ignore is None else codes(options.ignore),
        baseline=options.baseline or settings.baseline,
    )


def _note(findings: list[Finding], settings: Settings, parser: argparse.ArgumentParser) -> int:
    from sekisho.findings import write_baseline  # noqa: PLC0415 - as above

    if settings.baseline is None:
        parser.error(
            "--write-baseline needs a file: --baseline FILE, or baseline in pyproject.toml"
        )
    count = write_baseline(settings.baseline, findings, settings)
    sys.stdout.write(f"{count} findings noted in {printable(str(settings.baseline))}\n")
    return 0


def _new(
    findings: list[Finding], settings: Settings, parser: argparse.ArgumentParser
) -> list[Finding]:
    from sekisho.findings import read_baseline, without_known  # noqa: PLC0415 - as above

    if settings.baseline is None:
        return findings
    try:
        known = read_baseline(settings.baseline)
    except ValueError as error:
        parser.error(str(error))
    return [*without_known(findings, known, settings)]


def _change(solution: Solution, findings: list[Finding], options: argparse.Namespace) -> int:
    """Mend what is certain, ignore the rest: a diff, or the files themselves. The status tells what is left."""
    from sekisho.writing import Interrupted, RestoreError, end_by, ending_signals_raise  # noqa: PLC0415 - as above

    try:
        edits, left = _edits(solution, findings, options)
        if options.write and not options.force:
            _refuse_unrecoverable(edits, options.parser)
        if not options.write:
            _print_differences([edit.change for edit in edits])
            sys.stderr.write(left + _summary(edits, findings, options))
            return int(bool(findings))
        with ending_signals_raise():
            return _write(edits, left, findings, options)
    except KeyboardInterrupt as interrupt:
        sys.stderr.write("sekisho: interrupted. Each file is as it was, or all are written\n")
        end_by(interrupt.number if isinstance(interrupt, Interrupted) else signal.SIGINT)
    except RestoreError as error:
        sys.stderr.write(f"sekisho: {error}\n")
    return 1


def _refuse_unrecoverable(edits: list[_Edit], parser: argparse.ArgumentParser) -> None:
    """Refuse to write where git could not bring the files back."""
    from sekisho.writing import say_unrecoverable  # noqa: PLC0415 - as above

    for edit in edits:
        why = say_unrecoverable(edit.change.path)
        if why is not None:
            parser.error(why)


class _Edit(NamedTuple):
    """A file, as it is to be written.

    Attributes:
        change: its bytes, before and after.
        mended: how many findings in it are mended.
        ignored: how many are ignored.
    """

    change: Change
    mended: int
    ignored: int


def _edits(
    solution: Solution, findings: list[Finding], options: argparse.Namespace
) -> tuple[list[_Edit], str]:
    """What becomes of each file, and what is left, in words."""
    from sekisho.writing import Change  # noqa: PLC0415 - as above

    edits: list[_Edit] = []
    left = ""
    for file in solution.program.files.values():
        here = [each for each in findings if each.path == file.path]
        if not (here if options.add_ignore else any(each.fix for each in here)):
            continue
        try:
            text, mended, ignored, why = _edited(file, here, options)
        except ValueError as error:
            left += f"sekisho: left alone: {printable(file.path)}: {error}\n"
            continue
        left += why
        if mended or ignored:
            change = Change(file.path, file.data, text.encode(file.encoding))
            edits.append(_Edit(change, mended, ignored))
    return edits, left


def _edited(
    file: SourceFile, findings: list[Finding], options: argparse.Namespace
) -> tuple[str, int, int, str]:
    """The text of a file with its edits, how many findings are mended, how many ignored; what is left."""
    from sekisho.findings import fixed, with_ignores  # noqa: PLC0415 - as above

    parser: argparse.ArgumentParser = options.parser
    if file.cells:
        raise ValueError("nothing is written into notebooks")
    text, mended, why = file.decode(), 0, ""
    if options.fix:
        try:
            text, fixes, left = fixed(text, findings)
        except ImportError:
            parser.error("--fix needs libcst: install sekisho[tools]")
        for fix, reason in left.items():
            why += f"sekisho: not renamed: {printable(file.path)}:{fix.line}: {reason}\n"
        mended = sum(each.fix in fixes for each in findings)
        findings = [each for each in findings if each.fix not in fixes]
    if options.add_ignore:
        return with_ignores(text, findings), mended, len(findings), why
    return text, mended, 0, why


def _print_differences(changes: list[Change]) -> None:
    from sekisho.findings import difference  # noqa: PLC0415 - as above

    for path, before, after in changes:
        sys.stdout.write(difference(path, decode(before)[0], decode(after)[0]))


def _write(
    edits: list[_Edit], left: str, findings: list[Finding], options: argparse.Namespace
) -> int:
    from sekisho.writing import Transaction  # noqa: PLC0415 - as above

    try:
        with Transaction([edit.change for edit in edits]) as written:
            written.commit()
    except OSError as error:
        sys.stderr.write(f"sekisho: {error}. The files are as they were.\n")
        return 1
    for path, why in written.left_alone.items():
        left += f"sekisho: left alone: {printable(path)}: {why}\n"
    edits = [edit for edit in edits if edit.change.path not in written.left_alone]
    sys.stderr.write(left + _summary(edits, findings, options))
    return int(sum(edit.mended + edit.ignored for edit in edits) < len(findings))


def _summary(edits: list[_Edit], findings: list[Finding], options: argparse.Namespace) -> str:
    can_be = "" if options.write else "can be "
    mended = f"{sum(edit.mended for edit in edits)} of {len(findings)} findings {can_be}mended"
    ignored = f"{sum(edit.ignored for edit in edits)} of {len(findings)} findings {can_be}ignored"
    said = [mended] * options.fix + [ignored] * options.add_ignore
    return f"{', '.join(said)}\n"
