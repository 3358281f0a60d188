"""``python -m sekisho map PATH...``: whose world each function and each variable is, before it runs."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sekisho.utils import add_verbosity, busy, closest, columns_of, counted, printable, tell
from sekisho.worlds import has_world, world_names

if TYPE_CHECKING:
    import argparse

__all__ = ["add_command", "run"]


def add_command(commands: Any) -> None:
    """Add ``map`` to the commands of a parser."""
    parser: argparse.ArgumentParser = commands.add_parser(
        "map",
        help="read code without running it, and say whose world each function and variable is",
        description="Read Python files and notebooks, and the installed libraries that they use. "
        "Nothing of it is imported or run.",
        epilog="examples:\n  %(prog)s --only mixed,boundary src\n"
        "  %(prog)s --html map.html src/model.py notebooks\n\n"
        "The exit status is 0, or 2 for wrong usage.",
    )
    paths = "a file, or a folder (this folder if not given)"
    parser.add_argument("paths", nargs="*", default=["."], metavar="PATH", help=paths)
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all there is as JSON")
    parser.add_argument("--html", type=Path, metavar="FILE", help="write the source, tinted")
    only = (
        "worlds, boundary, mixed, none or unknown, separated by commas: print only their functions"
    )
    parser.add_argument("--only", metavar="WORLDS", help=only)
    parser.add_argument(
        "--summary", action="store_true", help="print one line for each file, without its functions"
    )
    parser.add_argument("--no-cache", action="store_true", help="neither read nor write the cache")
    add_verbosity(parser, "the table")
    parser.set_defaults(run=run, parser=parser)


def run(options: argparse.Namespace) -> int:
    """Read the program, and write what is asked for."""
    from sekisho.code import Cache  # noqa: PLC0415 - likewise
    from sekisho.inference import say_missing, solve, survey  # noqa: PLC0415 - likewise
    from sekisho.map_report import to_dict, to_page, to_text  # noqa: PLC0415 - the other commands do without
    from sekisho.writing import replace_file  # noqa: PLC0415 - likewise

    parser: argparse.ArgumentParser = options.parser
    only = _only(options.only, parser)
    if options.quiet and (only or options.summary):
        parser.error("--only and --summary choose what is printed: they do not go with --quiet")
    for path in (options.json, options.html):
        if path is not None and not path.parent.is_dir():
            parser.error(f"there is no folder for {str(path)!r}")
    try:
        with busy("reading"):
            solution = solve(options.paths, Cache(keeps=not options.no_cache))
    except FileNotFoundError as error:
        parser.error(f"there is nothing at {printable(str(error))}")
    functions = [*survey(solution)]
    files = counted(len(solution.program.files), "file")
    tell(options, f"read {files}, {counted(solution.lines, 'line')}")
    if options.json is not None:
        text = json.dumps(to_dict(solution, functions), indent=1) + "\n"
        replace_file(options.json, text.encode())
    if options.html is not None:
        replace_file(options.html, to_page(solution, functions).encode("utf-8", "backslashreplace"))
    if not options.quiet:
        text = to_text(
            solution,
            functions,
            only,
            columns_of(sys.stdout),
            is_summary=options.summary,
        )
        sys.stdout.write(text)
    missing = say_missing(solution.program)
    if missing:
        sys.stderr.write(f"sekisho: {printable(missing)}\n")
    for skipped in solution.skipped:
        sys.stderr.write(
            f"sekisho: not read: {printable(skipped.path)}: {printable(skipped.why)}\n"
        )
    return 0


def _only(given: str | None, parser: argparse.ArgumentParser) -> frozenset[str]:
    """Return the worlds that ``--only`` names; none if it is not given."""
    from sekisho.map_report import OTHER_WORLDS  # noqa: PLC0415 - likewise

    words = [word.strip() for word in given.split(",")] if given is not None else []
    for word in words:
        if word not in OTHER_WORLDS and not has_world(word):
            known = (*world_names(), *OTHER_WORLDS)
            close = closest(word, known)
            meant = f"Did you mean {close!r}?" if close else f"Expected any of {', '.join(known)}"
            parser.error(f"--only has no {printable(repr(word))}. {meant}")
    return frozenset(words)
