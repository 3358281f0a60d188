"""The size of an axis that no valid value has bound, in a call that went on all the same."""

from __future__ import annotations

from typing import Any, Final

__all__ = ["FREE"]


class _Free:
    """Equal to any size, and to any sizes, whatever is computed from it.

    Where ``violations="warn"`` a refused value passes and binds nothing. A guard's text has a local for
    each axis all the same, which it compares with the axes that follow. With this in it, none of them is
    refused for a size that is not known.
    """

    __slots__ = ()
    __hash__ = None  # type: ignore[assignment]  # pyright: ignore[reportAssignmentType]

    def __eq__(self, other: object) -> bool:
        return True

    def __ne__(self, other: object) -> bool:
        return False

    def _itself(self, *_other: Any) -> _Free:
        return self

    __add__ = __radd__ = __sub__ = __rsub__ = __mul__ = __rmul__ = __neg__ = __pos__ = _itself

    def __len__(self) -> int:
        return 0  # of variadic axes: a text unpacks them, and they may be none

    def __iter__(self) -> Any:
        return iter(())

    def __repr__(self) -> str:
        return "free"


FREE: Final[Any] = _Free()
