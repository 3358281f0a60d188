"""Allow crossings in a part of a body that strict mode monitors."""

from __future__ import annotations

from sekisho.context import allowance, declarations
from sekisho.utils import Block, without_last
from sekisho.worlds import is_compiling

__all__ = ["crossing_allowed"]


class crossing_allowed(Block):  # noqa: N801 - used like a function, as `mode` is
    """Allow crossings inside of the ``with`` block, in a body that strict mode monitors.

    Elsewhere it does nothing.

    Examples:
        >>> import torch
        >>> import sekisho as sk
        >>> @sk.torch_world
        ... def mean(x: torch.Tensor) -> torch.Tensor:
        ...     with sk.crossing_allowed():
        ...         print(x.numpy())
        ...     return x.mean()
        >>> with sk.mode("strict"):
        ...     mean(torch.ones(2))
        [1. 1.]
        tensor(1.)
    """

    def __init__(self) -> None:
        self._is_used = False

    def __enter__(self) -> None:
        self._is_used = True
        if not is_compiling():
            from sekisho.monitor import thread  # noqa: PLC0415 - importing sekisho stays light

            thread.pause(self)
            declarations.exist = True
            allowance.set((*allowance.get(), (self,)))

    def __exit__(self, *error: object) -> None:
        if not is_compiling():
            from sekisho.monitor import thread  # noqa: PLC0415 - importing sekisho stays light

            thread.resume(self)
            allowance.set(without_last(allowance.get(), self))
