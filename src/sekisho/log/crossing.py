"""A single crossing, and a row that sums up equal crossings."""

from __future__ import annotations

from typing import Any, Final, Literal, NamedTuple

__all__ = ["MAIN", "SUMS", "Crossing", "Key", "CrossingKind", "Process", "Row", "key_of"]

CrossingKind = Literal["crossing", "move", "scalar", "wait"]
"""A value changes its library or its device, becomes a Python number, or is waited for."""

PYTHON: Final = "python"


def kind_of(each: Crossing | Row) -> CrossingKind:
    """Return what happened, from the source and the target."""
    if each.target == PYTHON:
        return "scalar"
    if each.source != each.target:
        return "crossing"
    return "wait" if each.source_device == each.target_device else "move"


def way_of(each: Crossing | Row) -> str:
    """Return source and target as text, with the devices if one of them is not the host."""
    if kind_of(each) == "wait":
        return f"waits for {each.source} {each.source_device}"
    if each.source_device == each.target_device == "cpu":
        return f"{each.source} -> {each.target}"
    target = each.target if each.target == PYTHON else f"{each.target} {each.target_device}"
    return f"{each.source} {each.source_device} -> {target}"


class Crossing(NamedTuple):
    """A value that changes its world or device.

    Attributes:
        function: the function or helper at whose boundary it crossed; for other crossings, the
            function that contains the line.
        place: ``"argument 'x'"`` or ``"the result"``; for other crossings the operation, such as
            ``"Tensor.numpy"``.
        source: the world before: ``"numpy"``, ``"torch"``.
        target: the world after; ``"python"`` for Python numbers.
        dtype: the dtype after, such as ``"float32"``.
        shape: the shape after.
        source_device: the device before: ``"cpu"``, ``"cuda:0"``.
        target_device: the device after.
        nbytes: number of bytes of the elements after.
        copied: why the memory was copied; None if it is shared.
        seconds: duration of the conversion.
        filename: file of the caller.
        line: line of the caller.
        home: the world that the function stays in; None for helpers, boundaries and undeclared
            crossings.
        source_dtype: the dtype before.
        declared: whether a guard, helper or boundary made it, or `crossing_allowed` permitted it.
        library: the line inside a library that made it, such as ``"collate.py:272"``; empty if the
            caller's own line did.
        process: the name of its process; empty for this one.
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
    source_dtype: str = ""
    declared: bool = True
    library: str = ""
    process: str = ""

    @property
    def kind(self) -> CrossingKind:
        """``"crossing"``, ``"move"`` between devices, ``"scalar"`` or ``"wait"``."""
        return kind_of(self)

    @property
    def way(self) -> str:
        """Source and target as text, with the devices if one of them is not the host."""
        return way_of(self)


class Row(NamedTuple):
    """The sum of all equal crossings: of one line, operation and process.

    Attributes:
        filename: file of the line.
        line: number of the line.
        function: see `Crossing`.
        operation: `Crossing.place`.
        source: see `Crossing`.
        target: see `Crossing`.
        source_device: see `Crossing`.
        target_device: see `Crossing`.
        source_dtype: see `Crossing`.
        dtype: see `Crossing`.
        copied: see `Crossing`.
        home: see `Crossing`.
        declared: see `Crossing`.
        library: see `Crossing`.
        process: see `Crossing`.
        count: number of crossings.
        nbytes: total number of bytes.
        seconds: total duration.
        repeats: number of crossings with the same array object as in the crossing before.
    """

    filename: str
    line: int
    function: str
    operation: str
    source: str
    target: str
    source_device: str
    target_device: str
    source_dtype: str
    dtype: str
    copied: str | None
    home: str | None
    declared: bool
    library: str
    process: str
    count: int  # type: ignore[assignment]  # pyright: ignore - hides tuple.count
    nbytes: int
    seconds: float
    repeats: int = 0

    @property
    def kind(self) -> CrossingKind:
        """``"crossing"``, ``"move"`` between devices, ``"scalar"`` or ``"wait"``."""
        return kind_of(self)

    @property
    def way(self) -> str:
        """Source and target as text, with the devices if one of them is not the host."""
        return way_of(self)

    def __str__(self) -> str:
        from sekisho.log.table import cells_of  # noqa: PLC0415 - importing sekisho stays light

        cells = cells_of(self, 0.0)
        return f"{cells.line}: {cells.operation}, {cells.way}, {cells.times} x, {cells.nbytes}"

    def to_dict(self) -> dict[str, Any]:
        """Return the row as plain data, with the names of the JSON report (docs/crossings.md)."""
        plain = {_RENAMED.get(name, name): value for name, value in self._asdict().items()}
        return plain | {"kind": self.kind}


_RENAMED: Final = {"filename": "file", "nbytes": "bytes"}

SUMS: Final = Row._fields[-4:]
"""The fields of a row that are sums; they come last."""

Key = tuple[Any, ...]
"""All fields of a row that are not sums."""


def key_of(crossing: Crossing) -> Key:
    """Return the key of the row that a crossing belongs to."""
    return (
        crossing.filename,
        crossing.line,
        crossing.function,
        crossing.place,
        crossing.source,
        crossing.target,
        crossing.source_device,
        crossing.target_device,
        crossing.source_dtype,
        crossing.dtype,
        crossing.copied,
        crossing.home,
        crossing.declared,
        crossing.library,
        crossing.process,
    )


MAIN: Final = "main"
"""Name of the first process of a program."""


class Process(NamedTuple):
    """A process of a recorded program.

    Attributes:
        name: its name in rows: ``"main"``, ``"DataLoader worker 0"``.
        pid: the process id.
        seconds: how long it ran, as far as is known.
        ended: how it ended, such as ``"was killed"``; empty if by itself.
        libraries: the array libraries that it imported.
        lost: why some of its crossings are missing; empty if none are.
    """

    name: str
    pid: int
    seconds: float
    ended: str = ""
    libraries: tuple[str, ...] = ()
    lost: str = ""
