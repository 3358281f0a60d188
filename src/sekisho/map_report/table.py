"""The map report as a table for a terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from sekisho.inference import label, world_of_all
from sekisho.map_report.listing import by_class, by_file
from sekisho.utils import printable

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from sekisho.inference import Function, Solution

__all__ = ["to_text"]

_WIDTHS: Final = {"line": 5, "function": 40, "world": 9}
_MOST: Final = 6
"""Maximum number of parameters shown for a function."""


def to_text(solution: Solution, functions: Sequence[Function]) -> str:
    """Return the functions of each file, with the worlds of their code, parameters and results."""
    lines: list[str] = []
    for path, here in by_file(functions).items():
        rows = [*_rows(here)]
        if rows:
            lines += ["", f"{path}: {world_of_all(here)}", *rows]
    lines += ["", *_summary(solution, functions)]
    return "\n".join(map(printable, lines)).lstrip("\n") + "\n"


def _rows(functions: Sequence[Function]) -> Iterator[str]:
    classes = by_class(functions)
    for each in functions:
        name = each.name.rpartition(".")[0]
        world = world_of_all(classes.pop(name)) if name in classes else "none"
        if world != "none":
            yield f"{'':>{_WIDTHS['line']}}  {f'class {name}':<{_WIDTHS['function']}}  {world}"
        if not each.line or each.world == "none":
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


def _many(count: int, noun: str) -> str:
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def _summary(solution: Solution, functions: Sequence[Function]) -> Iterator[str]:
    counted = [each for each in functions if each.line]
    worlds = sorted({each.world for each in counted}, key=_order)
    said = [f"{sum(each.world == world for each in counted):,} {world}" for world in worlds]
    files = len(solution.program.files)
    sizes = [_many(len(counted), "function"), _many(files, "file"), _many(solution.lines, "line")]
    yield f"{sizes[0]} in {sizes[1]}, {sizes[2]}: {', '.join(said)}"
    ready = [each.ready_for for each in counted if each.ready_for]
    if ready:
        kinds = [f"{ready.count(kind):,} for @{kind}" for kind in sorted(set(ready))]
        yield f"{len(ready):,} are ready for a decorator: {', '.join(kinds)}"


def _order(world: str) -> tuple[bool, str]:
    return world in {"boundary", "mixed", "none", "unknown"}, world
