"""The source of one file as HTML: names tinted by their world, calls linked to the function that they call.

Everything is placed by line and column, as the parser counts them: two names on one line, or one name twice,
can hold arrays of different worlds.
"""

from __future__ import annotations

import re
import unicodedata
from typing import TYPE_CHECKING, Final, NamedTuple

from sekisho.inference import events, label
from sekisho.utils import as_html
from sekisho.worlds import world_named

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from sekisho.inference import Function, Value

__all__ = ["crossings_in", "source_as_html"]

_DEFINED: Final = re.compile(r"\bdef\s+(\w+)")


class _Tag(NamedTuple):
    """An element around a part of a line.

    Attributes:
        start: the index of its first character.
        end: the index behind its last character.
        name: the name of the element.
        attributes: as they are written in it.
    """

    start: int
    end: int
    name: str
    attributes: str


def source_as_html(
    functions: Sequence[Function], shades: Mapping[str, str], anchors: Mapping[str, str]
) -> str:
    """Return the source of a file, with a column of line numbers beside it.

    Args:
        functions: all functions of the file.
        shades: the CSS class of each world.
        anchors: the id of each function of the program, by the name of its unit.
    """
    code = functions[0].file.text.split("\n")
    tags: list[list[_Tag]] = [[] for _ in code]
    for line, tag in _tags(functions, code, shades, anchors):
        tags[line - 1].append(tag)
    crossings = crossings_in(functions)
    lines = [
        _line(text, sorted(tags[number - 1]), crossings.get(number, []))
        for number, text in enumerate(code, 1)
    ]
    # The numbers are one element for the whole file: an element a line takes a browser seconds. The line
    # break behind <pre> is not shown; without it, that of an empty first line would not be.
    numbers, shown = "\n".join(map(str, range(1, len(code) + 1))), "\n".join(lines)
    return (
        f"<div class='code'><pre aria-hidden='true'>\n{numbers}</pre>"
        f"<pre class='source' tabindex='0'>\n{shown}</pre></div>"
    )


def crossings_in(functions: Sequence[Function]) -> dict[int, list[str]]:
    """Return what crosses in each line of a file, in words, from left to right."""
    found: dict[int, list[str]] = {}
    for function in functions:
        crossings = [
            *events.events_of(function.notes, events.CROSS),
            *events.events_of(function.notes, events.ALLOWED),
        ]
        for line, _, _, (operation, source, target, _) in sorted(
            crossings, key=lambda event: event[:2]
        ):
            said = f"{world_named(source).label} → {world_named(target).label}: {operation}"
            here = found.setdefault(line, [])
            if said not in here:
                here.append(said)
    return found


def _tags(
    functions: Sequence[Function],
    code: Sequence[str],
    shades: Mapping[str, str],
    anchors: Mapping[str, str],
) -> Iterator[tuple[int, _Tag]]:
    for function in functions:
        if function.line:
            yield function.line, _definition(code[function.line - 1], anchors[function.unit.name])
        called: dict[tuple[int, int, str], list[str]] = {}
        for line, column, target, name in events.events_of(function.notes, events.CALL):
            called.setdefault((line, column, name), []).append(target)
        for line, column, name, value in _values(function):
            world = _shown(value)
            span = _span(code, line, column, name) if world else None
            if span:
                shade = shades.get(world, "m")
                yield line, _Tag(*span, "u", f"class='{shade}' title='{as_html(world)}'")
        for (line, column, name), targets in called.items():
            span = _span(code, line, column, name)
            known = sorted(target for target in targets if target in anchors)
            if span and known:
                shown = as_html(", ".join(each.replace(":", ".", 1) for each in known))
                yield line, _Tag(*span, "a", f"href='#{anchors[known[0]]}' title='{shown}'")


def _values(function: Function) -> Iterator[tuple[int, int, str, Value]]:
    """Yield what each name holds where it is bound or read: line, column, name and value."""
    for line, column, name, (value, _, _) in events.events_of(function.notes, events.BIND):
        yield line, column, name, value
    yield from events.events_of(function.notes, events.READ)


def _shown(value: Value) -> str:
    """Return the label of a value; "" if it holds no array. None and numbers beside an array are left out."""
    words = [word for word in label(value).split(" | ") if word not in {"none", "unknown"}]
    return " | ".join(words)


def _definition(text: str, anchor: str) -> _Tag:
    found = _DEFINED.search(text)
    start, end = found.span(1) if found else (0, 0)  # the name can stand behind a backslash
    return _Tag(start, end, "b", f"id='{anchor}'")


def _span(code: Sequence[str], line: int, column: int, name: str) -> tuple[int, int] | None:
    """Return where a name stands in its line; None if something else stands there.

    The parser counts columns in bytes of UTF-8. The node of ``except E as name`` begins before the name,
    Python 3.11 misplaces names in f-strings of several lines, and identifiers are compared in the form NFKC.
    """
    if not 0 < line <= len(code):
        return None
    text = code[line - 1]
    start = column if text.isascii() else len(_to_bytes(text)[:column].decode("utf-8", "replace"))
    end = start
    while end < len(text) and _continues(text[end]):
        end += 1
    is_whole = start == 0 or not _continues(text[start - 1])
    if not is_whole or unicodedata.normalize("NFKC", text[start:end]) != name:
        return None
    return start, end


def _to_bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")


def _continues(character: str) -> bool:
    """Return whether a character can stand within a name; regular expressions know no combining marks."""
    return f"a{character}".isidentifier()


def _line(text: str, tags: Sequence[_Tag], crossings: Sequence[str]) -> str:
    parts: list[str] = []
    last = 0
    for tag in tags:
        if tag.start < last:  # what stands there has its element
            continue
        parts.append(as_html(text[last : tag.start]))
        inner = as_html(text[tag.start : tag.end])
        parts.append(f"<{tag.name} {tag.attributes}>{inner}</{tag.name}>")
        last = tag.end
    parts.append(as_html(text[last:]))
    if not crossings:
        return "".join(parts)
    said = "".join(f"<i>← {as_html(each)}</i>" for each in crossings)
    return f"<span>{''.join(parts)}{said}</span>"
