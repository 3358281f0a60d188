"""Types for decorators whose guards accept arrays of any world."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol, TypeVar, overload

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["Converting", "HandingBack"]

T = TypeVar("T")


class Converting(Protocol):
    """A decorator whose guard converts arrays of other worlds to the annotated one.

    No type can describe which parameters accept them, so calls are not type-checked.
    """

    @overload
    def __call__(self, function: type[T], /) -> type[T]: ...
    @overload
    def __call__(self, function: Callable[..., T], /) -> Callable[..., T]: ...


class HandingBack(Protocol):
    """A decorator whose guard accepts either world and returns arrays of the caller's world.

    The result type is `Any`, because the function's own return type does not say which world.
    """

    @overload
    def __call__(self, function: type[T], /) -> type[T]: ...
    @overload
    def __call__(self, function: Callable[..., Any], /) -> Callable[..., Any]: ...
