"""What a library moves to a device in one call."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["Together"]


class Together:
    """The part of a `Library` that converts several arrays at once.

    Attributes:
        moves_together: whether one call is faster than one for each array.
    """

    moves_together: bool = False

    def move_together(self, arrays: Sequence[Any], device: Any) -> list[Any]:
        """Convert the arrays of `Policy.waiting`, which no other code sees, in one call."""
        raise NotImplementedError
