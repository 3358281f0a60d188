"""Values that contracts refused and that passed as they were, summed by place."""

from __future__ import annotations

from typing import Any, NamedTuple

__all__ = ["ViolationRow"]


class ViolationRow(NamedTuple):
    """All values that one contract refused at one line, and that passed (``violations="warn"``).

    Attributes:
        filename: the file of the call, or of the `check`.
        line: its line.
        function: whose contract it is.
        place: ``"argument 'x'"`` or ``"the result"``, without the path inside of a container.
        error: the class of the error that stands for: ``"ShapeError"``.
        text: the whole message, about the first of them.
        process: which process it was in; empty for this one.
        count: how many there were.
    """

    filename: str
    line: int
    function: str
    place: str
    error: str
    text: str
    process: str = ""
    count: int = 0  # type: ignore[assignment]  # pyright: ignore - as in `Row`

    def to_dict(self) -> dict[str, Any]:
        """The row as plain data, by the names of the JSON report (docs/crossings.md)."""
        return {
            ("file" if key == "filename" else key): value for key, value in self._asdict().items()
        }
