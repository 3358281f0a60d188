"""Hints that make a row of a crossing log cheaper, where that is certain."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from sekisho.worlds import world_named

if TYPE_CHECKING:
    from sekisho.log.crossing import Row

__all__ = ["advise", "size_text"]

_FEW: Final = 8
"""Fewer crossings than this at a line are not worth a hint about a loop."""

_SMALL: Final = 1 << 16
"""Transfers of fewer bytes take as long as starting them (some microseconds by PCI Express)."""


def size_text(nbytes: float) -> str:
    """Return a readable size in units of 1000: ``"1.5 MB"``."""
    for unit in ("B", "kB", "MB", "GB"):
        if nbytes < 1000:  # noqa: PLR2004 - units of 1000
            return f"{nbytes:.3g} {unit}" if unit != "B" else f"{nbytes:.0f} B"
        nbytes /= 1000
    return f"{nbytes:.3g} TB"


def advise(row: Row) -> str | None:
    """Return a hint that makes a row cheaper and changes no value; None if none is certain."""
    if row.declared and row.copied is None:
        return None
    for rule in (_same_again, _many_moves, _one_by_one, _wider, _always_copies, _layout):
        advice = rule(row)
        if advice:
            return advice
    return None


def _same_again(row: Row) -> str | None:
    if row.copied and row.repeats >= _FEW and row.repeats >= 0.9 * (row.count - 1):
        return (
            f"the same array was copied {row.count:,} times: once, before the loop, is enough, "
            "unless it changes in between"
        )
    return None


def _many_moves(row: Row) -> str | None:
    if row.source_device == row.target_device or row.target == "python" or row.count < _FEW:
        return None
    if row.nbytes / row.count >= _SMALL:
        return None
    each = size_text(row.nbytes / row.count)
    return f"{row.count:,} transfers of {each}: stack the values, and move them once for the batch"


def _one_by_one(row: Row) -> str | None:
    if row.target == "python" and row.source_device != "cpu" and row.count >= _FEW:
        return (
            f"each of these {row.count:,} waits for {row.source_device}: keep the values there, and "
            "call .tolist() once"
        )
    return None


def _bits(dtype: str) -> int:
    digits = re.search(r"\d+", dtype)
    return int(digits.group()) if digits else 0


def _wider(row: Row) -> str | None:
    is_float = row.source_dtype.startswith("float") and row.dtype.startswith("float")
    if not row.copied or not is_float or _bits(row.dtype) <= _bits(row.source_dtype):
        return None
    times = _bits(row.dtype) // _bits(row.source_dtype)
    return f"{row.source_dtype} became {row.dtype}: {times} times the bytes; ask for {row.source_dtype}"


def _always_copies(row: Row) -> str | None:
    if not row.copied or row.source_dtype != row.dtype or row.source_device != row.target_device:
        return None
    sharing = world_named(row.target).cheaper.get(row.operation)
    if sharing is None or "always copies" not in row.copied:
        return None
    if "list" in row.copied:
        return f"stack the arrays first; {sharing} of the result shares its memory"
    return f"{sharing} shares the memory instead, where nothing writes into it afterwards"


def _layout(row: Row) -> str | None:
    if row.count > 1 and row.copied and ("stride" in row.copied or "byte order" in row.copied):
        return "make it contiguous once, where it is made: numpy.ascontiguousarray"
    return None
