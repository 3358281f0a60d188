"""One crossing, and the sum of all that are alike."""

from __future__ import annotations

from typing import Any, Final, Literal, NamedTuple

__all__ = ["MAIN", "SUMS", "Crossing", "Key", "Kind", "Process", "Row", "key_of"]

Kind = Literal["crossing", "move", "scalar", "wait"]
"""A value changes its library, or its device; becomes a number of Python's; or is waited for."""

PYTHON: Final = "python"


def kind_of(each: Crossing | Row) -> Kind:
    """What happened, by from where to where."""
    if each.target == PYTHON:
        return "scalar"
    if each.source != each.target:
        return "crossing"
    return "wait" if each.source_device == each.target_device else "move"


def way_of(each: Crossing | Row) -> str:
    """From where to where, with the devices if one of them is not the host."""
    if kind_of(each) == "wait":
        return f"waits for {each.source} {each.source_device}"
    if each.source_device == each.target_device == "cpu":
        return f"{each.source} -> {each.target}"
    target = each.target if each.target == PYTHON else f"{each.target} {each.target_device}"
    return f"{each.source} {each.source_device} -> {target}"


class Crossing(NamedTuple):
    """One value changing world, or device.

    Attributes:
        function: the function, or helper, at whose boundary it was; elsewhere the function in
            whose line it was.
        place: ``"argument 'x'"`` or ``"the result"``; elsewhere the operation, ``"Tensor.numpy"``.
        source: the world it came from: ``"numpy"``, ``"torch"``.
        target: the world it went to; ``"python"`` for numbers of Python's.
        dtype: its dtype after the crossing, such as ``"float32"``.
        shape: its shape.
        source_device: ``"cpu"``, ``"cuda:0"``.
        target_device: likewise.
        nbytes: how many bytes its elements take after the crossing.
        copied: why its memory was copied; None if the two values share it.
        seconds: how long the conversion took.
        filename: the file of the caller.
        line: the line of the caller.
        home: the world that the function stays in; None for helpers, boundaries and undeclared
            crossings.
        source_dtype: its dtype before.
        declared: whether a guard, a helper or a boundary made it, or `crossing_allowed` let it.
        library: the line inside of a library that did it, ``"collate.py:272"``; empty if it
            was the caller's own line.
        process: which process it was in; empty for this one.
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
    def kind(self) -> Kind:
        """``"crossing"``, ``"move"`` between devices, ``"scalar"`` or ``"wait"``."""
        return kind_of(self)

    @property
    def way(self) -> str:
        """From where to where, with the devices if one of them is not the host."""
        return way_of(self)


class Row(NamedTuple):
    """The sum of all crossings that are alike: at one line, by one operation, in one process.

    Attributes:
        filename: the file of the line.
        line: its number.
        function: see `Crossing`, here and below.
        operation: what is `Crossing.place` there.
        source: likewise.
        target: likewise.
        source_device: likewise.
        target_device: likewise.
        source_dtype: likewise.
        dtype: likewise.
        copied: likewise.
        home: likewise.
        declared: likewise.
        library: likewise.
        process: likewise.
        count: how many crossings there were.
        nbytes: the bytes of all of them.
        seconds: how long all of them took.
        repeats: in how many of them it was the very same array as in the one before.
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
    count: int  # type: ignore[assignment]  # pyright: ignore - tuple's own, which nobody asks a row
    nbytes: int
    seconds: float
    repeats: int = 0

    @property
    def kind(self) -> Kind:
        """``"crossing"``, ``"move"`` between devices, ``"scalar"`` or ``"wait"``."""
        return kind_of(self)

    @property
    def way(self) -> str:
        """From where to where, with the devices if one of them is not the host."""
        return way_of(self)

    def __str__(self) -> str:
        from sekisho.log.table import cells_of  # noqa: PLC0415 - importing sekisho stays light

        cells = cells_of(self, 0.0)
        return f"{cells.line}: {cells.operation}, {cells.way}, {cells.times} x, {cells.nbytes}"

    def to_dict(self) -> dict[str, Any]:
        """The row as plain data, by the names of the JSON report (docs/crossings.md)."""
        plain = {_RENAMED.get(name, name): value for name, value in self._asdict().items()}
        return plain | {"kind": self.kind}


_RENAMED: Final = {"filename": "file", "nbytes": "bytes"}

SUMS: Final = Row._fields[-4:]
"""Those fields of a row that are sums: they come last."""

Key = tuple[Any, ...]
"""All of a row that is not a sum."""


def key_of(crossing: Crossing) -> Key:
    """Which row a crossing belongs to."""
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
"""What the first process of a program is called."""


class Process(NamedTuple):
    """A process of a recorded program.

    Attributes:
        name: what it is called in rows: ``"main"``, ``"DataLoader worker 0"``.
        pid: its number.
        seconds: how long it ran, as far as is known.
        ended: how: empty if by itself, or ``"was killed"`` and the like.
        libraries: which array libraries it imported.
        lost: why some of what it did is missing; empty if nothing is.
    """

    name: str
    pid: int
    seconds: float
    ended: str = ""
    libraries: tuple[str, ...] = ()
    lost: str = ""
