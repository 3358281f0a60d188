"""A crossing log as a self-contained HTML page without scripts, fonts or requests."""

from __future__ import annotations

import linecache
from pathlib import Path
from typing import TYPE_CHECKING, Final

from sekisho.log.flow import flow_of
from sekisho.log.hints import advise, size_text
from sekisho.log.table import (
    BROADCASTS,
    HEADINGS,
    VIOLATIONS,
    broadcasts_of,
    cells_of,
    lines_of,
    notes_of,
)
from sekisho.utils import as_html, counted

if TYPE_CHECKING:
    from sekisho.log.crossing import Row
    from sekisho.log.crossing_log import CrossingLog

__all__ = ["page_of", "table_of"]

_AROUND: Final = 3
"""Number of source lines to show before and after a crossing."""

_COLUMNS: Final = ("line", "in", "by", "from → to", "count", "bytes", "ms", "share", "how")

_UNITS: Final = {"count": " x", "bytes": "", "ms": " ms", "share": ""}
"""The numeric columns, each with the unit to show on a phone, where the table has no header."""

_STYLE: Final = """
.sekisho{color-scheme:light dark;--ink:#1b1f24;--paper:#fff;--soft:#f3f4f6;--line:#d0d5dc;--faint:#5b6572;
--w0:#3867c8;--w1:#c8451f;--w2:#7a3fb0;--w3:#2f7d53;font:15px/1.5 system-ui,sans-serif;
color:var(--ink);background:var(--paper)}
@media(prefers-color-scheme:dark){.sekisho{--ink:#e7eaee;--paper:#14171b;--soft:#1e2329;--line:#3a424c;
--faint:#9aa5b1;--w0:#7fa5ff;--w1:#ff8a65;--w2:#c493f0;--w3:#79c79b}}
.sekisho table{border-collapse:collapse;font-variant-numeric:tabular-nums;width:100%}
.sekisho th,.sekisho td{padding:.3em .7em;text-align:left;vertical-align:top;border-bottom:1px solid var(--line)}
.sekisho td:not(:last-child),.sekisho th{white-space:nowrap}
.sekisho td:last-child{min-width:14rem}
.sekisho .n{text-align:right}
.sekisho .hint{color:var(--faint);font-style:italic}
.sekisho .scroll{overflow-x:auto}
@media(max-width:600px){.sekisho thead{display:none}
.sekisho tr{display:block;padding:.5em 0;border-bottom:1px solid var(--line)}
.sekisho td,.sekisho td:not(:last-child){display:inline;border:0;padding:0 .6em 0 0;white-space:normal}
.sekisho td.n::after{content:attr(data-unit)}}
.sekisho code,.sekisho pre{font:13px/1.6 ui-monospace,monospace}
""".strip()

_PAGE_STYLE: Final = """
body{margin:0}
main{max-width:84rem;margin:0 auto;padding:1rem;}
h1{font-size:1.5rem;margin:.3em 0}h2{font-size:1.15rem;margin:2em 0 .5em}
p.sum{color:var(--faint)}
svg.flow{width:100%;height:auto;min-width:34rem}
svg.flow text{font:13px system-ui,sans-serif;fill:var(--ink)}svg.flow rect{fill:var(--ink)}
.ribbon{opacity:.45}.ribbon:hover{opacity:.8}
.w0{fill:var(--w0)}.w1{fill:var(--w1)}.w2{fill:var(--w2)}.w3{fill:var(--w3)}
details{border:1px solid var(--line);border-radius:.4rem;margin:.6em 0}
summary{padding:.5em .8em;cursor:pointer}
pre{margin:0;padding:.5em 0;overflow-x:auto;border-top:1px solid var(--line)}
pre span{display:block;padding:0 .8em;white-space:pre;width:max-content;min-width:100%;box-sizing:border-box}
pre i{color:var(--faint);font-style:normal;display:inline-block;width:4ch;text-align:right;margin-right:1.5ch;user-select:none}
pre .at{background:var(--soft)}pre b{font-weight:600;color:var(--faint);margin-left:3ch}
pre .gap{color:var(--faint)}
@media(max-width:600px){main{padding:.6rem}}
""".strip()


def table_of(log: CrossingLog) -> str:
    """Return only the tables, as a notebook shows them."""
    log = log.merged()
    return f"<div class='sekisho'><style>{_STYLE}</style>{_tables(log)}</div>"


def page_of(log: CrossingLog) -> str:
    """Return the whole page."""
    log = log.merged()
    rows = [row for row in log.rows if row.kind in {"crossing", "move"}]
    count, nbytes = sum(row.count for row in rows), sum(row.nbytes for row in rows)
    seconds = sum(row.seconds for row in rows)
    words = [counted(count, "crossing"), size_text(nbytes), f"{1000 * seconds:,.1f} ms"]
    if log.seconds:
        words.append(f"{seconds / log.seconds:.1%} of {log.seconds:,.1f} s")
        words.append(f"{len(log.processes)} process{'es' * (len(log.processes) != 1)}")
    flow = flow_of(log.rows)
    picture = f"<h2>Flow</h2><div class='scroll'>{flow}</div>" if flow else ""
    return (
        "<!doctype html>\n<html lang='en' class='sekisho'><head><meta charset='utf-8'>"
        "<meta name='viewport' content='width=device-width,initial-scale=1'>"
        # An empty icon, because browsers request one if the page declares none.
        "<link rel='icon' href='data:,'><title>Crossings</title>"
        f"<style>{_STYLE}\n{_PAGE_STYLE}</style></head>\n<body><main><h1>Crossings</h1>"
        f"<p class='sum'>{', '.join(words)}</p>{picture}{_tables(log)}{_sources(log)}"
        "</main></body></html>\n"
    )


def _tables(log: CrossingLog) -> str:
    parts: list[str] = []
    whole = log.seconds
    for kind, heading in HEADINGS.items():
        rows = [row for row in log.rows if row.kind == kind]
        if rows:
            rows.sort(key=lambda row: -row.seconds)
            head = "".join(f"<th>{name}</th>" for name in _COLUMNS)
            body = "".join(_line(row, whole) for row in rows)
            parts.append(
                f"<h2>{heading[0].upper()}{heading[1:]}</h2><div class='scroll'><table><thead><tr>{head}</tr>"
                f"</thead><tbody>{body}</tbody></table></div>"
            )
    if log.violations:
        text = as_html("\n".join(lines_of(log.violations)))
        parts.append(f"<h2>{as_html(VIOLATIONS.capitalize())}</h2><pre>{text}</pre>")
    if log.broadcasts:
        text = as_html("\n".join(broadcasts_of(log.broadcasts)))
        parts.append(f"<h2>{as_html(BROADCASTS.capitalize())}</h2><pre>{text}</pre>")
    parts += [f"<p>{as_html(note)}</p>" for note in notes_of(log)]
    return "".join(parts)


def _line(row: Row, whole: float) -> str:
    cells = [as_html(cell) for cell in cells_of(row, whole)]
    advice = advise(row)
    if advice:
        cells[-1] += f"<div class='hint'>hint: {as_html(advice)}</div>"
    return "".join(
        [
            "<tr>",
            *(
                f"<td class='n' data-unit='{_UNITS[name]}'>{cell}</td>"
                if name in _UNITS
                else f"<td>{cell}</td>"
                for name, cell in zip(_COLUMNS, cells, strict=True)
            ),
            "</tr>",
        ]
    )


def _sources(log: CrossingLog) -> str:
    """Return the source lines that cross, by file, slowest file first."""
    seconds: dict[str, float] = {}
    marks: dict[str, dict[int, list[str]]] = {}
    for row in log.rows:
        cells = cells_of(row, 0.0)
        text = f"{cells.way}, {cells.times} x, {cells.nbytes}"
        marks.setdefault(row.filename, {}).setdefault(row.line, []).append(text)
        seconds[row.filename] = seconds.get(row.filename, 0.0) + row.seconds
    for each in log.broadcasts:
        text = f"gives {list(each.shape)}, {each.count:,} x"
        marks.setdefault(each.filename, {}).setdefault(each.line, []).append(text)
    order = sorted(marks, key=lambda name: -seconds.get(name, 0.0))
    shown = [text for name in order if (text := _source(name, marks[name]))]
    return f"<h2>Source</h2>{''.join(shown)}" if shown else ""


def _source(filename: str, marks: dict[int, list[str]]) -> str:
    lines = linecache.getlines(filename)
    if not lines:
        return ""
    # The surroundings of all marks, each line once.
    wanted = sorted(
        {
            near
            for line in marks
            for near in range(line - _AROUND, line + _AROUND + 1)
            if 1 <= near <= len(lines)
        }
    )
    spans: list[str] = []
    last = 0
    for number in wanted:
        if number != last + 1:
            spans.append("<span class='gap'>…</span>")
        code = as_html(lines[number - 1].rstrip("\n"))
        mark = "".join(f"<b>← {as_html(text)}</b>" for text in dict.fromkeys(marks.get(number, ())))
        at = " class='at'" if number in marks else ""
        spans.append(f"<span{at}><i>{number}</i>{code}{mark}</span>")
        last = number
    name = as_html(str(Path(filename)))
    return (
        f"<details open><summary><code>{name}</code></summary><pre>{''.join(spans)}</pre></details>"
    )
