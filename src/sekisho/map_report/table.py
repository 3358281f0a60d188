"""The map report as a table for a terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from sekisho.inference import label, world_of_all
from sekisho.map_report.listing import by_class, by_file, count_worlds
from sekisho.utils import as_table, counted, printable, wrapped

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from sekisho.inference import Function, Solution

__all__ = ["to_text"]

_WIDTHS: Final = {"line": 5, "function": 40, "world": 9}
_INDENT: Final = 9
"""Where what does not fit into a line goes on."""

_MOST: Final = 6
"""Maximum number of parameters shown for a function."""


def to_text(
    solution: Solution,
    functions: Sequence[Function],
    only: frozenset[str] = frozenset(),
    columns: int | None = None,
    *,
    is_summary: bool = False,
) -> str:
    """Return the functions of each file, a summary of the files, and the totals.

    Args:
        solution: the program.
        functions: all of them.
        only: the worlds whose functions are listed; all if empty.
        columns: characters of a line; None if there is no limit.
        is_summary: whether the functions are left out.
    """
    files = by_file(functions)
    kept = {
        path: here
        for path, here in files.items()
        if not only or not only.isdisjoint(count_worlds(here))
    }
    lines: list[str] = []
    for path, here in kept.items() if not is_summary else ():
        rows = [*_rows(here, only)]
        if rows:
            lines += ["", f"{path}: {world_of_all(here)}", *rows]
    if is_summary or len(files) > 1:
        lines += ["", *_by_file(kept, columns)]
    lines += ["", *_summary(solution, functions)]
    text = [part for line in lines for part in wrapped(printable(line), columns, _INDENT)]
    return "\n".join(text).lstrip("\n") + "\n"


def _by_file(files: Mapping[str, Sequence[Function]], columns: int | None) -> Iterator[str]:
    """How many functions of each world each file has."""
    counts = {path: count_worlds(here) for path, here in files.items()}
    worlds = [*count_worlds(each for here in files.values() for each in here)]
    rows = [
        (printable(path), *(str(count[world] or "") for world in worlds))
        for path, count in counts.items()
        if count
    ]
    if rows:
        table = as_table([("file", *worlds), *rows], columns, range(1, len(worlds) + 1))
        yield from (line for row in table for line in row)


def _rows(functions: Sequence[Function], only: frozenset[str]) -> Iterator[str]:
    classes = by_class(functions)
    for each in functions:
        name = each.name.rpartition(".")[0]
        world = world_of_all(classes.pop(name)) if name in classes else ""
        if world in only or (not only and world not in {"", "none"}):
            yield f"{'':>{_WIDTHS['line']}}  {f'class {name}':<{_WIDTHS['function']}}  {world}"
        if not each.line or (each.world not in only if only else each.world == "none"):
            continue
        first = 1 if each.unit.owner and each.parameters else 0
        taken = [f"{name}: {label(value)}" for name, value in each.parameters[first:]]
        if len(taken) > _MOST:
            taken = [*taken[:_MOST], "..."]
        ready = f"   ready for @{each.ready_for}" if each.ready_for else ""
        declared = f"   @{each.unit.declared}" if each.unit.declared else ""
        shape = f"({', '.join(taken)}) -> {label(each.returns)}"
        line, name = f"{each.line:>{_WIDTHS['line']}}", f"{each.name:<{_WIDTHS['function']}}"
        yield f"{line}  {name}  {each.world:<{_WIDTHS['world']}}  {shape}{declared}{ready}"


def _summary(solution: Solution, functions: Sequence[Function]) -> Iterator[str]:
    own = [each for each in functions if each.line]
    said = [f"{count:,} {world}" for world, count in count_worlds(own).items()]
    files = len(solution.program.files)
    sizes = [counted(len(own), "function"), counted(files, "file"), counted(solution.lines, "line")]
    yield f"{sizes[0]} in {sizes[1]}, {sizes[2]}: {', '.join(said)}"
    ready = [each.ready_for for each in own if each.ready_for]
    if ready:
        kinds = [f"{ready.count(kind):,} for @{kind}" for kind in sorted(set(ready))]
        yield f"{len(ready):,} {'is' if len(ready) == 1 else 'are'} ready for a decorator: {', '.join(kinds)}"
