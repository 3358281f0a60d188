"""The map report as one self-contained page: the source, with variables coloured by world.

Worlds also differ by underline and title, so the page does not depend on colour alone.
"""

from __future__ import annotations

import io
import keyword
import tokenize
from typing import TYPE_CHECKING, Final, NamedTuple

from sekisho.inference import arrays_in, label
from sekisho.map_report.listing import by_file
from sekisho.utils import as_html
from sekisho.worlds import world_named

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from sekisho.inference import Function, Solution, Variable

__all__ = ["to_page"]

_STYLE: Final = """
:root{color-scheme:light dark;--ink:#1b1f24;--paper:#fff;--soft:#f3f4f6;--line:#d0d5dc;--faint:#5b6572;
--w0:#3867c8;--w1:#c8451f;--w2:#7a3fb0;--w3:#2f7d53}
@media(prefers-color-scheme:dark){:root{--ink:#e7eaee;--paper:#14171b;--soft:#1e2329;--line:#3a424c;
--faint:#9aa5b1;--w0:#7fa5ff;--w1:#ff8a65;--w2:#c493f0;--w3:#79c79b}}
body{margin:0;font:15px/1.5 system-ui,sans-serif;color:var(--ink);background:var(--paper)}
main{max-width:84rem;margin:0 auto;padding:1rem}
h1{font-size:1.5rem;margin:.3em 0}p{color:var(--faint)}
details{border:1px solid var(--line);border-radius:.4rem;margin:.6em 0}
summary{padding:.5em .8em;cursor:pointer}
pre{margin:0;padding:.5em 0;overflow-x:auto;border-top:1px solid var(--line);font:13px/1.6 ui-monospace,monospace}
pre>span{display:block;padding:0 .8em;white-space:pre;width:max-content;min-width:100%;box-sizing:border-box}
pre i{color:var(--faint);font-style:normal;display:inline-block;width:5ch;text-align:right;margin-right:1.5ch;user-select:none}
.x{background:var(--soft)}
pre b{font-weight:600;color:var(--faint);margin-left:3ch}
u{text-decoration:none;border-bottom:2px solid}
.w0{color:var(--w0);border-bottom-style:solid}.w1{color:var(--w1);border-bottom-style:dashed}
.w2{color:var(--w2);border-bottom-style:dotted}.w3{color:var(--w3);border-bottom-style:double}
.m{font-weight:600;border-bottom:2px double var(--faint)}
@media(max-width:600px){main{padding:.6rem}pre i{width:3ch}}
""".strip()


class _Mark(NamedTuple):
    """A place where a name starts to hold a value."""

    line: int
    column: int
    world: str


def to_page(solution: Solution, functions: Sequence[Function]) -> str:
    """Return the whole page."""
    files = by_file(functions)
    seen = {
        world
        for each in functions
        for variable in each.variables
        for world in arrays_in(variable.value)
    }
    shades = {
        world.name: f"w{index % 4}"
        for index, world in enumerate(solution.program.worlds)
        if world.name in seen
    }
    key = ", ".join(
        f"<u class='{shade}'>{as_html(world_named(name).label)}</u>"
        for name, shade in shades.items()
    )
    both = ", <u class='m'>several, or in a container</u>" if len(shades) > 1 else ""
    body = "".join(_file(path, here, shades) for path, here in files.items())
    count = f"{len(files):,} files, {solution.lines:,} lines"
    return (
        "<!doctype html>\n<html lang='en'><head><meta charset='utf-8'>"
        "<meta name='viewport' content='width=device-width,initial-scale=1'>"
        # An empty icon, since browsers request one otherwise.
        "<link rel='icon' href='data:,'><title>Map</title>"
        f"<style>{_STYLE}</style></head>\n<body><main><h1>Map</h1><p>{count}. {key}{both}; "
        "what is not marked is Python's own, or unknown. ← a crossing.</p>"
        f"{body}</main></body></html>\n"
    )


def _file(path: str, functions: Sequence[Function], shades: dict[str, str]) -> str:
    text = functions[0].file.text
    names = _names_by_line(text)
    marks: dict[int, list[tuple[int, int, str]]] = {}
    crossings: dict[int, list[str]] = {}
    spans = _Scopes(functions, len(text.split("\n")))
    for line, found in names.items():
        for column, name in found:
            world = spans.world_at(line, column, name)
            if world:
                marks.setdefault(line, []).append((column, len(name), world))
    for function in functions:
        for (kind, line, _, _), what in sorted(
            function.notes.items(), key=lambda item: item[0][1:3]
        ):
            if kind in {"cross", "allowed"}:
                said = f"{world_named(what[1]).label} → {world_named(what[2]).label}: {what[0]}"
                crossings.setdefault(line, []).append(said)
    lines = [
        _line(number, code, marks.get(number, []), crossings.get(number, []), shades)
        for number, code in enumerate(text.split("\n"), 1)
    ]
    worlds = ", ".join(
        sorted({each.world for each in functions if each.line} - {"none", "unknown"})
    )
    note = f" <span>{as_html(worlds)}</span>" if worlds else ""
    is_open = " open" if marks else ""
    return (
        f"<details{is_open}><summary><code>{as_html(path)}</code>{note}</summary>"
        f"<pre>{''.join(lines)}</pre></details>\n"
    )


def _line(
    number: int,
    code: str,
    marks: list[tuple[int, int, str]],
    crossings: list[str],
    shades: dict[str, str],
) -> str:
    parts: list[str] = []
    last = 0
    for column, length, world in sorted(marks):
        shade = shades.get(world, "m")
        parts.append(as_html(code[last:column]))
        name = as_html(code[column : column + length])
        parts.append(f"<u class='{shade}' title='{as_html(world)}'>{name}</u>")
        last = column + length
    parts.append(as_html(code[last:]))
    said = "".join(f"<b>← {as_html(each)}</b>" for each in dict.fromkeys(crossings))
    shade = " class='x'" if crossings else ""
    return f"<span{shade}><i>{number}</i>{''.join(parts)}{said}</span>"


def _names_by_line(text: str) -> dict[int, list[tuple[int, str]]]:
    """Return the names by line, without attributes."""
    found: dict[int, list[tuple[int, str]]] = {}
    last = ""
    try:
        for token in tokenize.generate_tokens(io.StringIO(text).readline):
            is_name = token.type == tokenize.NAME and not keyword.iskeyword(token.string)
            if is_name and last != ".":
                found.setdefault(token.start[0], []).append((token.start[1], token.string))
            if token.type not in {tokenize.NL, tokenize.COMMENT}:
                last = token.string
    except (tokenize.TokenError, SyntaxError):
        pass  # colour the names found so far
    return found


class _Scopes:
    """The value of a name at a place: that of the last binding before it in the enclosing function."""

    def __init__(self, functions: Sequence[Function], last_line: int) -> None:
        self._at: list[dict[str, list[_Mark]]] = [{} for _ in range(last_line + 2)]
        for function in sorted(functions, key=lambda each: each.line):
            # in the order of their lines, inner functions overwrite the lines of outer ones
            names = dict(_marks_of(function.variables))
            end = _end_of(function, last_line)
            for line in range(function.line, end + 1):
                self._at[line] = names

    def world_at(self, line: int, column: int, name: str) -> str:
        """Return the label of a name; "" to show nothing."""
        marks = self._at[line].get(name, ())
        before = [mark for mark in marks if (mark.line, mark.column) <= (line, column)]
        world = before[-1].world if before else ""
        return "" if world in {"none", "unknown"} else world


def _marks_of(variables: Sequence[Variable]) -> Iterator[tuple[str, list[_Mark]]]:
    found: dict[str, list[_Mark]] = {}
    for each in variables:
        # Hide "none", the label of None and numbers, in a union with an array.
        words = [word for word in label(each.value).split(" | ") if word != "none"]
        world = " | ".join(words) or "none"
        found.setdefault(each.name, []).append(_Mark(each.line, each.column, world))
    yield from found.items()


def _end_of(function: Function, last_line: int) -> int:
    return function.unit.end if function.line else last_line
