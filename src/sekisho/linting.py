"""``python -m sekisho check PATH...``: what is wrong at the border, before anything runs."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sekisho.ground import printable

if TYPE_CHECKING:
    import argparse

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
    parser.add_argument("--write", action="store_true", help="with --fix: write it into the files")
    parser.add_argument("--no-cache", action="store_true", help="neither read nor write the cache")
    parser.set_defaults(run=run, parser=parser)


def run(options: argparse.Namespace) -> int:
    """Read the program, and print what is found."""
    from sekisho.code import Cache  # noqa: PLC0415 - the other commands do without
    from sekisho.findings import FORMATS, check  # noqa: PLC0415 - likewise
    from sekisho.inference import solve  # noqa: PLC0415 - likewise

    parser: argparse.ArgumentParser = options.parser
    if options.write and not options.fix:
        parser.error("--write goes with --fix")
    _name_journal(options, parser)
    try:
        settings = _settings(options)
        solution = solve(options.paths, Cache(keeps=not options.no_cache))
    except FileNotFoundError as error:
        parser.error(f"there is nothing at {error}")
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
    if options.fix:
        return _fix(solution, findings, parser, writes=options.write)
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

    def codes(given: str | None, default: tuple[str, ...]) -> tuple[str, ...]:
        if given is None:
            return default
        return tuple(known_code(code.strip()) for code in given.split(","))

    return settings._replace(
        select=codes(options.select, settings.select),
        ignore=codes(options.ignore, settings.ignore),
        baseline=options.baseline or settings.baseline,
    )


def _note(findings: list[Finding], settings: Settings, parser: argparse.ArgumentParser) -> int:
    from sekisho.findings import write_baseline  # noqa: PLC0415 - as above

    if settings.baseline is None:
        parser.error(
            "--write-baseline needs a file: --baseline FILE, or baseline in pyproject.toml"
        )
    count = write_baseline(settings.baseline, findings, settings)
    sys.stdout.write(f"{count} findings noted in {settings.baseline}\n")
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


def _fix(
    solution: Solution, findings: list[Finding], parser: argparse.ArgumentParser, *, writes: bool
) -> int:
    """Mend what is certain: a diff, or the files themselves. The status tells what is left."""
    from sekisho.writing import Interrupted, RestoreError, end_by, ending_signals_raise  # noqa: PLC0415 - as above

    try:
        mended, changes, left = _mend(solution, findings, parser)
        if not writes:
            _print_differences(changes)
            sys.stderr.write(left)
            sys.stderr.write(f"{sum(mended.values())} of {len(findings)} findings can be mended\n")
            return int(bool(findings))
        with ending_signals_raise():
            return _write(changes, mended, left, len(findings))
    except KeyboardInterrupt as interrupt:
        sys.stderr.write("sekisho: interrupted. Each file is as it was, or all are mended\n")
        end_by(interrupt.number if isinstance(interrupt, Interrupted) else signal.SIGINT)
    except RestoreError as error:
        sys.stderr.write(f"sekisho: {error}\n")
    except OSError as error:
        sys.stderr.write(f"sekisho: {error}. The files are as they were.\n")
    return 1


def _mend(
    solution: Solution, findings: list[Finding], parser: argparse.ArgumentParser
) -> tuple[dict[str, int], list[Change], str]:
    """What becomes of each file: how many findings are mended, the changes, and what is left, in words."""
    from sekisho.findings import fixed  # noqa: PLC0415 - as above
    from sekisho.writing import Change  # noqa: PLC0415 - likewise

    mended: dict[str, int] = {}
    changes: list[Change] = []
    left = ""
    for file in solution.program.files.values():
        here = [each for each in findings if each.path == file.path and each.fix is not None]
        if not here or file.cells:
            continue
        try:
            done = fixed(file.decode(), here)
        except ImportError:
            parser.error("--fix needs libcst: install sekisho[tools]")
        except ValueError as error:
            left += f"sekisho: left alone: {printable(file.path)}: {error}\n"
            continue
        for fix, why in done.left.items():
            left += f"sekisho: not renamed: {printable(file.path)}:{fix.line}: {why}\n"
        if done.fixes:
            mended[file.path] = sum(each.fix in done.fixes for each in here)
            changes.append(Change(file.path, file.data, done.text.encode(file.encoding)))
    return mended, changes, left


def _print_differences(changes: list[Change]) -> None:
    from sekisho.code import decode  # noqa: PLC0415 - as above
    from sekisho.findings import difference  # noqa: PLC0415 - likewise

    for path, before, after in changes:
        sys.stdout.write(difference(path, decode(before)[0], decode(after)[0]))


def _write(changes: list[Change], mended: dict[str, int], left: str, count: int) -> int:
    from sekisho.writing import Transaction, project_folder  # noqa: PLC0415 - as above

    if changes:
        paths = [os.path.realpath(change.path) for change in changes]
        with Transaction(project_folder(os.path.commonpath(paths)), changes) as written:
            written.commit()
        for path, why in written.left_alone.items():
            left += f"sekisho: left alone: {printable(path)}: {why}\n"
            mended.pop(path)
    sys.stderr.write(left)
    sys.stderr.write(f"{sum(mended.values())} of {count} findings mended\n")
    return int(sum(mended.values()) < count)
