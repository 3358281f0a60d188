"""Convert the arrays of a batch in one call of the library, where that is faster."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sekisho.context import open_logs
from sekisho.worlds import is_compiling

if TYPE_CHECKING:
    from collections.abc import Callable

    from sekisho.worlds import Library, Policy

__all__ = ["in_one_call"]


def in_one_call(
    target: Library, policy: Policy, convert: Callable[..., Any]
) -> Callable[[list[tuple[Any, str]]], list[Any]] | None:
    """Return a function that converts arrays together; None where each has a call of its own.

    Args:
        target: the world to convert to.
        policy: what the conversion may do.
        convert: converts an array by its place, and by a policy.
    """
    # An open log has a row with the seconds of each array.
    if not target.moves_together or open_logs() or is_compiling():
        return None

    def convert_all(arrays: list[tuple[Any, str]]) -> list[Any]:
        waiting: list[Any] = []
        later = policy._replace(waiting=waiting)
        converted = [convert(array, path, later) for array, path in arrays]
        try:
            moved = target.move_together(waiting, policy.device)
        except Exception:  # noqa: BLE001 - the library's; one by one, so that the error names the array
            return [convert(array, path) for array, path in arrays]
        news = dict(zip(map(id, waiting), moved, strict=True))
        return [news.get(id(each), each) for each in converted]

    return convert_all
