"""Operations that expanded both operands because their ranks differ, summed by line."""

from __future__ import annotations

from typing import Any, NamedTuple

__all__ = ["BroadcastRow"]


class BroadcastRow(NamedTuple):
    """All calls of one operation at one line that expanded both operands.

    Attributes:
        filename: the file of the line.
        line: its number.
        function: the function that contains it.
        operation: what was called: ``"torch.Tensor.__sub__"``.
        one: the first operand of the first of these calls: ``"float32[8, 1] (PyTorch)"``.
        other: its second operand.
        shape: the shape of its result.
        hint: how to write what is meant.
        library: the line inside of a library that ran it; empty if the line itself did.
        process: which process it was in; empty for this one.
        count: how many calls there were.
    """

    filename: str
    line: int
    function: str
    operation: str
    one: str
    other: str
    shape: tuple[int, ...]
    hint: str
    library: str = ""
    process: str = ""
    count: int = 0  # type: ignore[assignment]  # pyright: ignore - as in `Row`

    @property
    def place(self) -> tuple[str, int, str, str, str]:
        """What rows of one line have in common: shapes are those of the first call."""
        return (self.filename, self.line, self.operation, self.library, self.process)

    def fields(self) -> dict[str, Any]:
        """Return all fields but the count."""
        fields = self._asdict()
        del fields["count"]
        return fields

    def to_dict(self) -> dict[str, Any]:
        """Return the row as plain data, with the names of the JSON report (docs/crossings.md)."""
        plain = {("file" if key == "filename" else key): v for key, v in self._asdict().items()}
        return plain | {"shape": list(self.shape)}
