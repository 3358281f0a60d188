"""A crossing log as a Mermaid flowchart."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from sekisho.utils import printable
from sekisho.worlds import asked_worlds, world_named, world_names

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sekisho.log.crossing import Row
    from sekisho.log.crossing_log import CrossingLog

__all__ = ["mermaid_of"]

_OTHERS: Final = {"python": "Python"}
_ENTITIES: Final = str.maketrans({each: f"#{ord(each)};" for each in '"#`<>&;'})


def mermaid_of(log: CrossingLog) -> str:
    """Draw functions in their world, or outside if they have none, and an arrow per crossing."""
    rows = [row for row in log.rows if row.kind != "wait"]
    lines = ["flowchart LR"]
    homes: dict[str, str | None] = {row.function: row.home for row in rows}
    boxes = {function: f"f{number}" for number, function in enumerate(homes)}
    for world, label in _labels(rows).items():
        lines += [f"    subgraph {world} [{label}]", f"        {world}_values([values])"]
        inside = [function for function, home in homes.items() if home == world]
        lines += [f'        {boxes[function]}["{_text(function)}"]' for function in inside]
        lines.append("    end")
    border = [function for function, home in homes.items() if home is None]
    lines += [f'    {boxes[function]}{{{{"{_text(function)}"}}}}' for function in border]
    groups: dict[tuple[str, str, str], list[Row]] = {}
    for row in rows:
        groups.setdefault((row.function, row.operation, row.way), []).append(row)
    for (function, operation, _), group in groups.items():
        lines += _arrows(group[0], boxes[function], _label(operation, group))
    return "\n".join(lines) + "\n"


def _labels(rows: Iterable[Row]) -> dict[str, str]:
    """Return the worlds to draw, with their labels: the usual ones, and those in the rows."""
    met = {name for row in rows for name in (row.source, row.target, row.home) if name}
    usual = {world.name: world.label for world in asked_worlds() if world.is_resident}
    others = {name: world_named(name).label for name in world_names() if name in met}
    return usual | others | {name: label for name, label in _OTHERS.items() if name in met}


def _label(operation: str, group: list[Row]) -> str:
    copies = {row.copied is not None for row in group}
    how = "shared and copied" if len(copies) > 1 else "copied" if True in copies else "shared"
    what = _text(operation.replace("argument ", "").replace("'", ""))
    count, nbytes = sum(row.count for row in group), sum(row.nbytes for row in group)
    return f"{what}: {count:,} x, {nbytes:,} bytes, {how}"


def _text(name: str) -> str:
    """Escape a name for quotes: replace characters that are special to Mermaid with entities."""
    return printable(name).translate(_ENTITIES)


def _arrows(first: Row, box: str, label: str) -> list[str]:
    source, target = f"{first.source}_values", f"{first.target}_values"
    if first.home is None:
        return [f"    {source} --> {box}", f'    {box} -- "{label}" --> {target}']
    is_result = not first.operation.startswith("argument")
    ends = (box, target) if is_result else (source, box)
    return [f'    {ends[0]} -- "{label}" --> {ends[1]}']
