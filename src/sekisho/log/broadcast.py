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
        others: how many calls expanded both operands, though their sizes differ. If there are any,
            all pairs are meant, and the log does not show the row.
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
    others: int = 0

    @property
    def place(self) -> tuple[str, int, str, str, str]:
        """What rows of one line have in common: shapes are those of the first call."""
        return (self.filename, self.line, self.operation, self.library, self.process)

    def plus(self, row: BroadcastRow) -> BroadcastRow:
        """Return the sum of two rows of one place."""
        return self._replace(count=self.count + row.count, others=self.others + row.others)

    def minus(self, row: BroadcastRow) -> BroadcastRow:
        """Return what the row has in addition to an earlier state of itself."""
        return self._replace(count=self.count - row.count, others=self.others - row.others)

    def fields(self) -> dict[str, Any]:
        """Return all fields but the counts."""
        return dict(zip(self._fields[:-2], self, strict=False))

    def to_dict(self) -> dict[str, Any]:
        """Return the row as plain data, with the names of the JSON report (docs/crossings.md)."""
        fields = self.fields() | {"shape": list(self.shape), "count": self.count}
        return {("file" if key == "filename" else key): value for key, value in fields.items()}
