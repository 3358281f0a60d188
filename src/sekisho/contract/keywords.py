"""The options of the decorators as keyword arguments, for type checkers."""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING, Any, Literal, TypedDict

if TYPE_CHECKING:
    from sekisho.worlds import Casting, TorchDevice

__all__ = ["HostOptions", "Mutates", "OnForeign", "Returns", "Scalars", "TorchOptions"]

OnForeign = Literal["convert", "refuse"] | None
Returns = Literal["world", "caller"]
Scalars = Literal["allow", "refuse"]
Mutates = str | Collection[str]


class _Options(TypedDict, total=False):
    casting: Casting
    copy: bool | None
    mutates: Mutates
    locals: bool
    typechecker: Any


class HostOptions(_Options, total=False):
    """The further options of `numpy_world`, `same_world` and `boundary`."""

    detach: bool


class TorchOptions(_Options, total=False):
    """The further options of `torch_world`."""

    device: str | TorchDevice | None
    scalars: Scalars
    local: bool
