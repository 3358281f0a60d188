"""What type checkers make of a guard that is called with arrays of either world."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol, TypeVar, overload

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["Converting", "HandingBack"]

T = TypeVar("T")


class Converting(Protocol):
    """A decorator whose guard takes arrays of either world, where the annotations name one.

    No type can say which of a function's parameters these are, so its callers are not checked.
    """

    @overload
    def __call__(self, function: type[T], /) -> type[T]: ...
    @overload
    def __call__(self, function: Callable[..., T], /) -> Callable[..., T]: ...


class HandingBack(Protocol):
    """A decorator whose guard takes arrays of either world, and gives back what its caller has.

    So what it gives is an array or a tensor, whatever the function itself gives.
    """

    @overload
    def __call__(self, function: type[T], /) -> type[T]: ...
    @overload
    def __call__(self, function: Callable[..., Any], /) -> Callable[..., Any]: ...
