"""The log of what crossed: one `Crossing` a value, collected by `record_crossings`."""

from __future__ import annotations

import inspect
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, NamedTuple

from sekisho._source import is_guard

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator
    from types import FrameType

__all__ = ["Crossing", "CrossingLog", "caller", "is_recording", "record", "record_crossings"]


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


class CrossingLog:
    """The crossings of one ``with record_crossings()`` block, in the order they happened."""

    def __init__(self) -> None:
        self._crossings: list[Crossing] = []

    def __len__(self) -> int:
        return len(self._crossings)

    def __iter__(self) -> Iterator[Crossing]:
        return iter(tuple(self._crossings))

    def __getitem__(self, index: int) -> Crossing:
        return self._crossings[index]

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

    def __str__(self) -> str:
        copied = sum(crossing.copied is not None for crossing in self)
        shared = len(self) - copied
        noun = "crossing" if len(self) == 1 else "crossings"
        return f"{len(self)} {noun}, {self.nbytes:,} bytes: {shared} shared, {copied} copied"


_logs: ContextVar[tuple[CrossingLog, ...]] = ContextVar("sekisho_logs", default=())


@contextmanager
def record_crossings() -> Generator[CrossingLog]:
    """Collect every crossing made inside the ``with`` block by this thread or task.

    Blocks nest: each collects what happens inside it, inner blocks included.

    Yields:
        The log, which fills as values cross and stays readable after the block.

    Examples:
        >>> import numpy as np
        >>> import sekisho as sk
        >>> with sk.record_crossings() as log:
        ...     total = sk.add_batch_dim(np.ones(3)).sum()
        >>> print(log)
        0 crossings, 0 bytes: 0 shared, 0 copied
    """
    log = CrossingLog()
    token = _logs.set((*_logs.get(), log))
    try:
        yield log
    finally:
        _logs.reset(token)


def is_recording() -> bool:
    """Whether anybody collects crossings here and now."""
    return bool(_logs.get())


def record(crossing: Crossing) -> None:
    """Hand a crossing to every log that is open here and now."""
    for log in _logs.get():
        log.append(crossing)


def caller() -> FrameType:
    """The nearest frame that is neither sekisho's nor a guard's: the user's own line."""
    frame = inspect.currentframe()
    assert frame is not None  # CPython has frames
    while frame.f_back is not None and _is_ours(frame):
        frame = frame.f_back
    return frame


def _is_ours(frame: FrameType) -> bool:
    module = str(frame.f_globals.get("__name__", ""))
    return module.partition(".")[0] == "sekisho" or is_guard(frame.f_code)
