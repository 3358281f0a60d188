"""The flow of a crossing log as SVG: from world, by function, to world, as wide as its bytes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from sekisho.log.hints import size_text
from sekisho.utils import as_html
from sekisho.worlds import world_named, world_names

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sekisho.log.crossing import Row

__all__ = ["flow_of", "label_of"]

_WIDTH: Final = 900
_HEIGHT: Final = 300
"""Height of all ribbons together, in units of the picture."""

_THINNEST: Final = 2.0
_GAP: Final = 30
_BAR: Final = 12
_MOST: Final = 20
"""Maximum number of functions to draw separately; the others are drawn as one."""

_COLOURS: Final = 4
"""The number of colours in the page's style."""

_COLUMNS: Final = (130, _WIDTH // 2, _WIDTH - 130)


def label_of(name: str) -> str:
    """Return the label of a world in a picture."""
    return world_named(name).label if name in world_names() else name.capitalize()


class _Flow(NamedTuple):
    source: str
    function: str
    target: str
    nbytes: int
    times: int
    world: str


def flow_of(rows: Iterable[Row]) -> str:
    """Draw the crossings and moves; return an empty text if there are none."""
    flows = _flows([row for row in rows if row.kind in {"crossing", "move"}])
    if not flows:
        return ""
    scale = _HEIGHT / max(sum(flow.nbytes for flow in flows), 1)
    columns = [_stack(flows, index, scale) for index in range(3)]
    height = max(bottom for _, bottom in columns)
    marks = [_ribbons(flows, columns, scale)]
    for x, (nodes, _), anchor in zip(_COLUMNS, columns, ("end", "middle", "start"), strict=True):
        marks += [_node(x, top, tall, name, anchor) for name, (top, tall) in nodes.items()]
    return (
        f'<svg class="flow" viewBox="0 0 {_WIDTH} {height + 10:.0f}" role="img" '
        'aria-label="from which library, by which function, to which library">'
        f"{''.join(marks)}</svg>"
    )


def _place(world: str, device: str) -> str:
    return label_of(world) if device == "cpu" else f"{label_of(world)} {device}"


def _flows(rows: list[Row]) -> list[_Flow]:
    by_function: dict[str, int] = {}
    for row in rows:
        by_function[row.function] = by_function.get(row.function, 0) + row.nbytes
    largest = sorted(by_function, key=lambda name: -by_function[name])
    # The last node stands for all functions that are not drawn separately.
    others = f"{len(largest) - _MOST + 1} other functions"
    shown = {name: name for name in largest} if len(largest) <= _MOST else {}
    shown |= {name: name for name in largest[: _MOST - 1]}
    sums: dict[tuple[str, str, str, str], list[int]] = {}
    for row in rows:
        key = (
            _place(row.source, row.source_device),
            shown.get(row.function, others),
            _place(row.target, row.target_device),
            row.source,
        )
        held = sums.setdefault(key, [0, 0])
        held[0] += row.nbytes
        held[1] += row.count
    return [_Flow(*key[:3], held[0], held[1], key[3]) for key, held in sums.items()]


def _tall(nbytes: int, scale: float) -> float:
    return max(nbytes * scale, _THINNEST)


def _stack(
    flows: list[_Flow], index: int, scale: float
) -> tuple[dict[str, tuple[float, float]], float]:
    """Return the top and height of each node of a column, and where the column ends."""
    sums: dict[str, float] = {}
    for flow in flows:
        name = (flow.source, flow.function, flow.target)[index]
        sums[name] = sums.get(name, 0.0) + _tall(flow.nbytes, scale)
    nodes: dict[str, tuple[float, float]] = {}
    top = 20.0
    for name, tall in sums.items():
        nodes[name] = (top, tall)
        top += tall + _GAP
    return nodes, top


def _ribbons(
    flows: list[_Flow],
    columns: list[tuple[dict[str, tuple[float, float]], float]],
    scale: float,
) -> str:
    # The next free position in each node, where a ribbon can be attached.
    filled = [{name: top for name, (top, _) in nodes.items()} for nodes, _ in columns]
    paths: list[str] = []
    # Both halves of a ribbon meet at one position of its function, so compute these positions
    # first.
    middle: dict[int, float] = {}
    for number, flow in enumerate(flows):
        middle[number] = filled[1][flow.function]
        filled[1][flow.function] += _tall(flow.nbytes, scale)
    for half in (0, 1):
        for number, flow in enumerate(flows):
            tall = _tall(flow.nbytes, scale)
            name = flow.source if half == 0 else flow.target
            end = filled[2 * half][name]
            filled[2 * half][name] += tall
            y0, y1 = (end, middle[number]) if half == 0 else (middle[number], end)
            x0, x1 = _COLUMNS[half] + _BAR / 2, _COLUMNS[half + 1] - _BAR / 2
            bend = (x0 + x1) / 2
            title = (
                f"{flow.source} to {flow.target} in {flow.function}: {flow.times:,} x, "
                f"{size_text(flow.nbytes)}"
            )
            # The upper edge from left to right and the lower edge back, as curves with horizontal
            # ends.
            paths.append(
                f'<path class="ribbon w{_colour(flow.world)}" d="M{x0:.1f},{y0:.1f} '
                f"C{bend:.1f},{y0:.1f} {bend:.1f},{y1:.1f} {x1:.1f},{y1:.1f} v{tall:.1f} "
                f"C{bend:.1f},{y1 + tall:.1f} {bend:.1f},{y0 + tall:.1f} {x0:.1f},{y0 + tall:.1f} "
                f'Z"><title>{as_html(title)}</title></path>'
            )
    return "".join(paths)


def _colour(world: str) -> int:
    """Return a world's index into the page's colours, in the order of registration."""
    names = world_names()
    return min(names.index(world), _COLOURS - 1) if world in names else _COLOURS - 1


def _node(x: float, top: float, tall: float, name: str, anchor: str) -> str:
    shift = {"end": -_BAR, "middle": 0.0, "start": float(_BAR)}[anchor]
    y = top - 6 if anchor == "middle" else top + tall / 2 + 5
    return (
        f'<rect x="{x - _BAR / 2:.1f}" y="{top:.1f}" width="{_BAR}" height="{tall:.1f}"/>'
        f'<text x="{x + shift:.1f}" y="{y:.1f}" text-anchor="{anchor}">{as_html(name)}</text>'
    )
