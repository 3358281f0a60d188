"""What an editor shows between the code: the worlds of variables, and crossings at the ends of lines."""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING, Final, NamedTuple

from sekisho.editor.describing import axes_of, crossing_text, shown_label
from sekisho.editor.looking import crossings_in
from sekisho.editor.positions import Lines
from sekisho.inference import arrays_in, is_open

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sekisho.editor.project import Reading
    from sekisho.inference import Function, Variable

__all__ = ["HINTS", "Hint", "Symbol", "hints_in", "symbols_in"]

HINTS: Final = ("off", "notable", "all")
"""Settings: no hints; those of variables whose library the line does not name; all."""

_DOTTED: Final = re.compile(r"(?<![\w.])(\w+)\.")
_DEFS: Final = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)


class Hint(NamedTuple):
    """A hint behind a name, or behind a line.

    Attributes:
        line: from 1, in the file.
        character: from 0.
        text: what is shown.
        tooltip: why.
        is_crossing: whether it stands at the end of a line that crosses.
    """

    line: int
    character: int
    text: str
    tooltip: str = ""
    is_crossing: bool = False


def hints_in(reading: Reading, path: str, which: str, *, crossings: bool) -> list[Hint]:
    """Return the hints of a file.

    Args:
        reading: the program.
        path: the file.
        which: of `HINTS`.
        crossings: whether lines that cross get one, too.
    """
    lines = Lines(reading.file(path).text)
    found: list[Hint] = []
    if which != "off":
        annotated = _annotated(reading.tree(path))
        for function in reading.functions(path):
            found += _of_variables(reading, function, lines, annotated, is_all=which == "all")
    if crossings:
        found += _of_crossings(reading, path, lines)
    return sorted(found)


def _annotated(tree: ast.Module) -> set[tuple[int, int]]:
    """Return where names stand whose annotation is written beside them."""
    places: set[tuple[int, int]] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.AnnAssign):
            places.add((node.target.lineno, node.target.col_offset))
        elif isinstance(node, ast.arg) and node.annotation is not None:
            places.add((node.lineno, node.col_offset))
    return places


def _of_variables(
    reading: Reading,
    function: Function,
    lines: Lines,
    annotated: set[tuple[int, int]],
    *,
    is_all: bool,
) -> Iterator[Hint]:
    for each in function.variables:
        if not arrays_in(each.value) or (each.line, each.column) in annotated:
            continue
        here = each.line - 1
        if not is_all and _is_obvious(reading, function, each, lines.at(here)):
            continue
        start = lines.from_bytes(here, each.column)
        if not lines.at(here)[start:].startswith(each.name):
            continue  # bound by something that is not its name
        axes = axes_of(each.value)
        text = f": {shown_label(each.value)}" + (f' "{axes}"' if axes else "")
        yield Hint(each.line, start + len(each.name), text, f"by {each.how}" if each.how else "")


def _is_obvious(reading: Reading, function: Function, variable: Variable, line: str) -> bool:
    """Whether a line tells itself: it names the library, or the name held an array of it before.

    What is taken from some calls only, while others are not known, is not notable either.
    """
    if variable.world == variable.before or "unknown" in variable.world or is_open(variable.value):
        return True
    # Of a display or a comprehension, as of several assigned at once, no one call tells.
    calls = [variable.how.partition(".")[0]] if variable.how else _DOTTED.findall(line)
    named = {name for each in calls if (name := _library(reading, function, each))}
    return named == {*arrays_in(variable.value)}


def _library(reading: Reading, function: Function, name: str) -> str:
    """Return the library that a name of a module is, or is of."""
    match reading.solution.program.resolve(function.unit.key, name):
        case ("module" | "class" | "function", key):
            return key.partition(":")[0].partition(".")[0]
        case _:
            return ""


def _of_crossings(reading: Reading, path: str, lines: Lines) -> Iterator[Hint]:
    by_line: dict[int, list[str]] = {}
    for each in crossings_in(reading, path):
        by_line.setdefault(each.line, []).append(crossing_text(each))
    for line, texts in by_line.items():
        shown = ", ".join(dict.fromkeys(text.partition(" by ")[0] for text in texts))
        end = len(lines.at(line - 1).rstrip())
        yield Hint(line, end, f"← {shown}", "\n".join(texts), is_crossing=True)


class Symbol(NamedTuple):
    """A function or a class, with its world.

    Attributes:
        name: its own.
        world: as `map` says it; "" if no array comes by.
        is_class: whether it is a class.
        first: its first line in the file, decorators included, from 1.
        line: the line of its name.
        last: its last line.
        inside: what is defined in it.
    """

    name: str
    world: str
    is_class: bool
    first: int
    line: int
    last: int
    inside: list[Symbol]


def symbols_in(reading: Reading, path: str) -> list[Symbol]:
    """Return the functions and classes of a file."""
    worlds = {each.line: each.world for each in reading.functions(path) if each.line}
    return _symbols(reading.tree(path).body, worlds)


def _symbols(body: list[ast.stmt], worlds: dict[int, str]) -> list[Symbol]:
    found: list[Symbol] = []
    for node in body:
        if isinstance(node, _DEFS):
            inside = _symbols(node.body, worlds)
            is_class = isinstance(node, ast.ClassDef)
            world = _of_class(inside) if is_class else worlds.get(node.lineno, "")
            first = min([node.lineno, *(each.lineno for each in node.decorator_list)])
            found.append(
                Symbol(
                    node.name,
                    "" if world in {"none", "unknown"} else world,
                    is_class,
                    first,
                    node.lineno,
                    node.end_lineno or node.lineno,
                    inside,
                )
            )
        else:
            for field in ("body", "orelse", "finalbody"):
                found += _symbols(getattr(node, field, []), worlds)
            for handler in (*getattr(node, "handlers", ()), *getattr(node, "cases", ())):
                found += _symbols(handler.body, worlds)
    return found


def _of_class(methods: list[Symbol]) -> str:
    worlds = {each.world for each in methods} - {""}
    if len(worlds) == 1:
        return worlds.pop()
    if not worlds:
        return ""
    return "boundary" if "boundary" in worlds else "mixed"
