"""The log of what crossed: one `Crossing` a value, collected by `record_crossings`."""

from __future__ import annotations

import inspect
import time
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, NamedTuple

from sekisho.ground import Block, is_guard
from sekisho.worlds import (
    HOST,
    Policy,
    World,
    asked_worlds,
    convert,
    dtype_name,
    find_world,
    is_compiling,
    world_named,
    world_names,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from contextvars import Token
    from types import FrameType

__all__ = ["Crossing", "CrossingLog", "caller", "cross", "open_logs", "record", "record_crossings"]


class Crossing(NamedTuple):
    """One value changing world, or device, at a boundary.

    Attributes:
        function: the function, or helper, at whose boundary it was.
        place: ``"argument 'x'"`` or ``"the result"``.
        source: the world it came from: ``"numpy"``, ``"torch"``.
        target: the world it went to.
        dtype: its dtype after the crossing, such as ``"float32"``.
        shape: its shape.
        source_device: ``"cpu"``, ``"cuda:0"``.
        target_device: likewise.
        nbytes: how many bytes its elements take.
        copied: why its memory was copied; None if the two values share it.
        seconds: how long the conversion took.
        filename: the file of the caller.
        line: the line of the caller.
        home: the world that the function stays in; None for helpers and boundaries.
    """

    function: str
    place: str
    source: str
    target: str
    dtype: str
    shape: tuple[int, ...]
    source_device: str
    target_device: str
    nbytes: int
    copied: str | None
    seconds: float
    filename: str
    line: int
    home: str | None = None

    @property
    def way(self) -> str:
        """From where to where, with the devices if one of them is not the host."""
        if self.source_device == self.target_device == "cpu":
            return f"{self.source} -> {self.target}"
        return f"{self.source} {self.source_device} -> {self.target} {self.target_device}"


class CrossingLog:
    """The crossings of one ``with record_crossings()`` block, in the order they happened.

    Printed, it is a table by boundary. Logs add up: ``log + other_log``, as of several workers.
    """

    def __init__(self, crossings: Iterable[Crossing] = ()) -> None:
        self._crossings: list[Crossing] = list(crossings)

    def __len__(self) -> int:
        return len(self._crossings)

    def __iter__(self) -> Iterator[Crossing]:
        return iter(tuple(self._crossings))

    def __getitem__(self, index: int) -> Crossing:
        return self._crossings[index]

    def __add__(self, other: CrossingLog) -> CrossingLog:
        return CrossingLog((*self, *other))

    def append(self, crossing: Crossing) -> None:
        """Add one crossing."""
        self._crossings.append(crossing)

    @property
    def nbytes(self) -> int:
        """The bytes of all crossings together, shared or copied."""
        return sum(crossing.nbytes for crossing in self)

    def to_records(self) -> list[dict[str, Any]]:
        """The crossings as plain dicts, one a row; ``pandas.DataFrame(log.to_records())``."""
        return [crossing._asdict() for crossing in self]

    def by_boundary(self) -> dict[tuple[str, str, str], list[Crossing]]:
        """The crossings by function, place, and way, in the order of their first."""
        groups: dict[tuple[str, str, str], list[Crossing]] = {}
        for each in self:
            groups.setdefault((each.function, each.place, each.way), []).append(each)
        return groups

    def __str__(self) -> str:
        rows = [
            ("boundary", "crossing", "count", "bytes", "shared", "copied", "ms", "copied because")
        ]
        rows += [
            (f"{function}() {place}", way, *_sums(group), _reasons(group))
            for (function, place, way), group in self.by_boundary().items()
        ]
        rows.append(("total", "", *_sums(list(self)), ""))
        widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
        lines = ["  ".join(_aligned(row, widths)).rstrip() for row in rows]
        rule = "-" * max(map(len, lines))
        return "\n".join([lines[0], rule, *lines[1:-1], rule, lines[-1]])

    def _labels(self, homes: Iterable[str | None]) -> dict[str, str]:
        """The worlds of a picture: those that most programs have, and those that were met."""
        met = {name for each in self for name in (each.source, each.target)} | {*homes}
        usual = {world.name: world.label for world in asked_worlds() if world.is_resident}
        others = (name for name in world_names() if name in met)
        return usual | {name: world_named(name).label for name in others}

    def to_mermaid(self) -> str:
        """Draw the pipeline as a Mermaid flowchart (https://mermaid.js.org).

        Functions are boxes in their world; helpers and boundaries stand on the border, and each
        crossing is a labelled arrow between the worlds.
        """
        lines = ["flowchart LR"]
        homes: dict[str, str | None] = {each.function: each.home for each in self}
        boxes = {function: f"f{number}" for number, function in enumerate(homes)}
        for world, label in self._labels(homes.values()).items():
            lines += [f"    subgraph {world} [{label}]", f"        {world}_values([values])"]
            inside = [function for function, home in homes.items() if home == world]
            lines += [f'        {boxes[function]}["{function}"]' for function in inside]
            lines.append("    end")
        border = [function for function, home in homes.items() if home is None]
        lines += [f'    {boxes[function]}{{{{"{function}"}}}}' for function in border]
        for (function, place, _), group in self.by_boundary().items():
            count, nbytes, shared, copied, _ = _sums(group)
            how = "shared" if copied == "0" else "copied" if shared == "0" else "shared and copied"
            what = place.replace("argument ", "").replace("'", "")
            label = f"{what}: {count} x, {nbytes} bytes, {how}"
            first, box = group[0], boxes[function]
            lines += _arrows(first, box, label, is_result=not place.startswith("argument"))
        return "\n".join(lines) + "\n"


def _arrows(first: Crossing, box: str, label: str, *, is_result: bool) -> list[str]:
    source, target = f"{first.source}_values", f"{first.target}_values"
    if first.home is None:
        return [f"    {source} --> {box}", f'    {box} -- "{label}" --> {target}']
    ends = (box, target) if is_result else (source, box)
    return [f'    {ends[0]} -- "{label}" --> {ends[1]}']


def _sums(group: list[Crossing]) -> tuple[str, str, str, str, str]:
    copied = sum(each.copied is not None for each in group)
    milliseconds = 1000 * sum(each.seconds for each in group)
    nbytes = sum(each.nbytes for each in group)
    counts = (len(group), nbytes, len(group) - copied, copied)
    a, b, c, d = (f"{count:,}" for count in counts)
    return a, b, c, d, f"{milliseconds:.2f}"


def _reasons(group: list[Crossing]) -> str:
    return "; ".join(dict.fromkeys(each.copied for each in group if each.copied))


def _aligned(row: tuple[str, ...], widths: list[int]) -> list[str]:
    is_text = (0, 1, len(row) - 1)
    return [
        cell.ljust(width) if i in is_text else cell.rjust(width)
        for i, (cell, width) in enumerate(zip(row, widths, strict=True))
    ]


_logs: ContextVar[tuple[CrossingLog, ...]] = ContextVar("sekisho_logs", default=())


class record_crossings(Block):  # noqa: N801 - used like a function
    """Collect every crossing made inside the ``with`` block by this thread or task.

    Blocks nest: each collects what happens inside it, inner blocks included. What ``as`` names is
    the log, which fills as values cross and stays readable after the block.

    Examples:
        >>> import numpy as np
        >>> import sekisho as sk
        >>> with sk.record_crossings() as log:
        ...     total = sk.add_batch_dim(np.ones(3)).sum()
        >>> len(log)
        0
    """

    def __init__(self) -> None:
        self._tokens: list[Token[tuple[CrossingLog, ...]]] = []
        self._is_used = False

    def __enter__(self) -> CrossingLog:
        self._is_used = True
        log = CrossingLog()
        self._tokens.append(_logs.set((*_logs.get(), log)))
        return log

    def __exit__(self, *error: object) -> None:
        _logs.reset(self._tokens.pop())


open_logs: Callable[[], tuple[CrossingLog, ...]] = _logs.get
"""The logs that are open here and now; an empty tuple if nobody collects crossings."""


def record(
    function: str,
    place: str,
    home: World | None,
    value: Any,
    crossed: Any,
    target: World,
    copied: str | None,
    seconds: float,
) -> None:
    """Hand a crossing to every log that is open here and now."""
    frame = caller()
    source = find_world(value) or HOST
    crossing = Crossing(
        function,
        place,
        source.name,
        target.name,
        dtype_name(crossed.dtype),
        tuple(crossed.shape),
        source.device_name(value) if source.owns(value) else "cpu",
        target.device_name(crossed),
        target.nbytes(crossed),
        copied,
        seconds,
        frame.f_code.co_filename,
        frame.f_lineno,
        home.name if home else None,
    )
    for log in _logs.get():
        log.append(crossing)


def caller() -> FrameType:
    """The nearest frame that is neither sekisho's nor a guard's: the user's own line."""
    frame = inspect.currentframe()
    assert frame is not None  # CPython has frames
    while frame.f_back is not None and (
        f"{frame.f_globals.get('__name__')}.".startswith("sekisho.") or is_guard(frame.f_code)
    ):
        frame = frame.f_back
    return frame


def cross(
    value: Any,
    target: World,
    policy: Policy,
    function: str,
    place: str,
    home: World | None = None,
    copied: str | None = None,
) -> Any:
    """Convert a value and log the crossing; `copied` is why it has been copied before.

    Raises:
        Refusal: if no lossless conversion exists.
    """
    if is_compiling() or not open_logs():
        return convert(value, target, policy).value
    start = time.perf_counter()
    converted = convert(value, target, policy)
    seconds = time.perf_counter() - start
    if converted.value is not value:
        reason = copied or converted.copied
        record(function, place, home, value, converted.value, target, reason, seconds)
    return converted.value
