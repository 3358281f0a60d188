"""The map report as one self-contained page: the source, with variables coloured by world.

Colour is never all that tells worlds apart: each has an underline of its own, too, and a title. Without its
script, the page lacks the filter and nothing else.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from sekisho.inference import arrays_in
from sekisho.map_report.listing import by_file, count_worlds
from sekisho.map_report.source import crossings_in, source_as_html
from sekisho.utils import as_html
from sekisho.worlds import world_named

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sekisho.inference import Function, Solution

__all__ = ["to_page"]

_STYLE: Final = """
:root{color-scheme:light dark;--ink:#1b1f24;--paper:#fff;--soft:#f3f4f6;--line:#d0d5dc;--faint:#5b6572;
--w0:#3867c8;--w1:#c8451f;--w2:#7a3fb0;--w3:#2f7d53}
@media(prefers-color-scheme:dark){:root{--ink:#e7eaee;--paper:#14171b;--soft:#1e2329;--line:#3a424c;
--faint:#9aa5b1;--w0:#7fa5ff;--w1:#ff8a65;--w2:#c493f0;--w3:#79c79b}}
body{margin:0;font:15px/1.5 system-ui,sans-serif;color:var(--ink);background:var(--paper)}
main{max-width:84rem;margin:0 auto;padding:1rem}
h1{font-size:1.5rem;margin:.3em 0}p{color:var(--faint)}a{color:inherit}
form{display:flex;flex-wrap:wrap;gap:.6em 1em;align-items:center;margin:.8em 0}
[hidden]{display:none!important}
input,select{font:inherit;max-width:100%}
.index{overflow-x:auto}table{border-collapse:collapse;font-size:.9rem}
th,td{padding:.15em .8em;text-align:right;border-bottom:1px solid var(--line)}
th:first-child{text-align:left;font-weight:400;font-family:ui-monospace,monospace}
details{border:1px solid var(--line);border-radius:.4rem;margin:.6em 0}
summary{padding:.5em .8em;cursor:pointer}
.code{display:flex;border-top:1px solid var(--line);font:13px/1.6 ui-monospace,monospace}
pre{margin:0;padding:.5em .8em;font:inherit}
pre[aria-hidden]{color:var(--faint);text-align:right;user-select:none}
.source{flex:1;min-width:0;overflow-x:auto}
.source span{background:var(--soft)}
.source i{font-style:normal;font-weight:600;color:var(--faint);margin-left:3ch}
.source b{font-weight:inherit}.source b:target{outline:2px solid}
u{text-decoration:none;border-bottom:2px solid}
.w0{color:var(--w0);border-bottom-style:solid}.w1{color:var(--w1);border-bottom-style:dashed}
.w2{color:var(--w2);border-bottom-style:dotted}.w3{color:var(--w3);border-bottom-style:double}
.m{font-weight:600;border-bottom:2px double var(--faint)}
@media(max-width:600px){main{padding:.6rem}pre{padding:.5em .4em}}
""".strip()

_FILTER: Final = (
    "<form hidden><label>Path <input type='search' id='path'></label>"
    "<label>World <select id='world'><option value=''>any</option>{worlds}</select></label>"
    "<output></output></form>"
)
_SCRIPT: Final = """
const form = document.querySelector('form'), rows = [...document.querySelectorAll('tbody tr')];
const path = document.querySelector('#path'), world = document.querySelector('#world');
function filter() {
  const word = path.value.toLowerCase();
  for (const row of rows) {
    const link = row.querySelector('a'), worlds = row.dataset.worlds.split(' ');
    row.hidden = !link.textContent.toLowerCase().includes(word) ||
      (world.value !== '' && !worlds.includes(world.value));
    document.getElementById(link.hash.slice(1)).hidden = row.hidden;
  }
  form.querySelector('output').value = rows.filter(row => !row.hidden).length + ' of ' + rows.length;
}
function open_target() {
  const target = document.getElementById(location.hash.slice(1));
  const file = target && target.closest('details');
  if (!file) return;
  file.hidden = false;
  file.open = true;
  target.scrollIntoView();
}
form.hidden = false;
form.onsubmit = event => event.preventDefault();
form.oninput = filter;
onhashchange = open_target;
filter();
open_target();
""".strip()
"""The filter of the index, and the opening of a folded file that a link leads into."""


def to_page(solution: Solution, functions: Sequence[Function]) -> str:
    """Return the whole page."""
    files = by_file(functions)
    shades = _shades(solution, functions)
    key = ", ".join(
        f"<u class='{shade}'>{as_html(world_named(name).label)}</u>"
        for name, shade in shades.items()
    )
    both = ", <u class='m'>several, or in a container</u>" if len(shades) > 1 else ""
    ids = {path: f"f{number}" for number, path in enumerate(files)}
    anchors = {
        each.unit.name: f"{ids[each.file.path]}L{each.line}" for each in functions if each.line
    }
    # Of one file there is nothing to choose.
    is_one = len(files) == 1
    index = "" if is_one else _index(files, ids)
    body = "".join(
        f"<details id='{ids[path]}'{' open' if is_one else ''}><summary><code>{as_html(path)}</code> "
        f"<span>{_worlds_of(here)}</span></summary>{source_as_html(here, shades, anchors)}</details>\n"
        for path, here in files.items()
    )
    count = f"{len(files):,} file{'' if is_one else 's'}, {solution.lines:,} lines"
    return (
        "<!doctype html>\n<html lang='en'><head><meta charset='utf-8'>"
        "<meta name='viewport' content='width=device-width,initial-scale=1'>"
        # An empty icon, since browsers request one otherwise.
        "<link rel='icon' href='data:,'><title>Map</title>"
        f"<style>{_STYLE}</style></head>\n<body><main><h1>Map</h1><p>{count}. {key}{both}; "
        "what is not marked is Python's own, or unknown. ← a crossing.</p>"
        f"{index}{body}</main>{'' if is_one else f'<script>{_SCRIPT}</script>'}</body></html>\n"
    )


def _shades(solution: Solution, functions: Sequence[Function]) -> dict[str, str]:
    """Return the CSS class of each world that occurs."""
    seen = {
        world
        for each in functions
        for variable in each.variables
        for world in arrays_in(variable.value)
    }
    return {
        world.name: f"w{index % 4}"
        for index, world in enumerate(solution.program.worlds)
        if world.name in seen
    }


def _worlds_of(functions: Sequence[Function]) -> str:
    worlds = {each.world for each in functions if each.line} - {"none", "unknown"}
    return as_html(", ".join(sorted(worlds)))


def _index(files: Mapping[str, Sequence[Function]], ids: Mapping[str, str]) -> str:
    """Return the filter, and a table of the files: how many functions of each world, and crossings."""
    counts = {path: count_worlds(here) for path, here in files.items()}
    worlds = [*count_worlds(each for here in files.values() for each in here)]
    heads = "".join(f"<th scope='col'>{as_html(each)}</th>" for each in (*worlds, "crossings"))
    rows: list[str] = []
    for path, here in files.items():
        crossings = sum(map(len, crossings_in(here).values()))
        numbers = [*(counts[path][world] for world in worlds), crossings]
        cells = "".join(f"<td>{number or ''}</td>" for number in numbers)
        rows.append(
            f"<tr data-worlds='{as_html(' '.join(counts[path]))}'>"
            f"<th scope='row'><a href='#{ids[path]}'>{as_html(path)}</a></th>{cells}</tr>\n"
        )
    options = "".join(f"<option>{as_html(each)}</option>" for each in worlds)
    return (
        f"{_FILTER.format(worlds=options)}<div class='index' tabindex='0'><table>"
        f"<thead><tr><th scope='col'>file</th>{heads}</tr></thead>"
        f"<tbody>{''.join(rows)}</tbody></table></div>\n"
    )
