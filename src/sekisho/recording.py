"""Record crossings: `record_crossings`."""

from __future__ import annotations

from contextvars import ContextVar
from typing import TYPE_CHECKING, NamedTuple

from sekisho.context import close_log, open_log
from sekisho.log import KEEP, KEEP_OF_PROGRAM, CrossingLog
from sekisho.utils import Block

if TYPE_CHECKING:
    from sekisho.recorder import Recording

__all__ = ["record_crossings"]


class record_crossings(Block):  # noqa: N801 - used like a function
    """Collect every crossing made inside the ``with`` block.

    By default it collects what guards and helpers convert in this thread or task. With
    ``everywhere=True`` it collects all crossings of the whole program, declared or not: in every
    thread, and in every process that is started inside the block.

    Blocks nest: each collects what happens inside it, inner blocks included. ``as`` gives the log,
    which grows as values cross and stays readable after the block.

    Args:
        everywhere: whether to record the whole program.
        broadcasting: whether to record operations that expand both operands because their ranks
            differ, as ``broadcasts`` of the log. It needs ``everywhere=True``.
        keep: how many crossings to keep one by one, beside the sums by line. The default is 10,000,
            and 1,000 for each process with ``everywhere=True``.

    Examples:
        >>> import numpy as np
        >>> import sekisho as sk
        >>> with sk.record_crossings() as log:
        ...     total = sk.add_batch_dim(np.ones(3)).sum()
        >>> len(log)
        0
        >>> import torch
        >>> with sk.record_crossings(everywhere=True) as log:
        ...     total = torch.ones(3).numpy().sum()
        >>> [(row.operation, row.way, row.count) for row in log.rows]
        [('torch.Tensor.numpy', 'torch -> numpy', 1)]
        >>> with sk.record_crossings(everywhere=True, broadcasting=True) as log:
        ...     loss = (torch.ones(8, 1) - torch.ones(8)).square().mean()
        >>> [(row.one, row.other, row.shape, row.count) for row in log.broadcasts]
        [('float32[8, 1] (PyTorch)', 'float32[8] (PyTorch)', (8, 8), 1)]
    """

    def __init__(
        self, *, everywhere: bool = False, broadcasting: bool = False, keep: int | None = None
    ) -> None:
        if broadcasting and not everywhere:
            raise ValueError(
                "record_crossings(): broadcasting=True records a whole program, and needs "
                "everywhere=True.\n  hint: record_crossings(everywhere=True, broadcasting=True)"
            )
        self._everywhere = everywhere
        self._broadcasting = broadcasting
        self._keep = (KEEP_OF_PROGRAM if everywhere else KEEP) if keep is None else keep
        self._open: dict[int, _Entry] = {}
        self._is_used = False

    def __enter__(self) -> CrossingLog:
        self._is_used = True
        log, recording = CrossingLog(keep=self._keep), None
        if self._everywhere:
            from sekisho.recorder import Recording  # noqa: PLC0415 - importing sekisho stays light

            recording = Recording(self._keep, broadcasting=self._broadcasting)
            recording.start()
            log.fill_from(recording.log)
        else:
            open_log(log)
        entry = _Entry(self, log, recording)
        self._open[id(entry)] = entry
        _entered.set((*_entered.get(), entry))
        return log

    def __exit__(self, *error: object) -> None:
        mine = [each for each in _entered.get() if each.block is self]
        # A generator may end in another context, without entries: take the last one from anywhere.
        entry = mine[-1] if mine else next(reversed(self._open.values()))
        _entered.set(tuple([each for each in _entered.get() if each is not entry]))
        del self._open[id(entry)]
        if entry.recording is None:
            close_log(entry.log)
        else:
            entry.log.fill_from(None)
            entry.recording.stop()


class _Entry(NamedTuple):
    """One entry of a block."""

    block: record_crossings
    log: CrossingLog
    recording: Recording | None


_entered: ContextVar[tuple[_Entry, ...]] = ContextVar("sekisho_recordings", default=())
"""The entries of this thread or task. Two threads may have entered the same block."""
