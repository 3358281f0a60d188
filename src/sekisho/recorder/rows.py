"""The fields of a row: what crossed, and the line."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sekisho.worlds import dtype_name

if TYPE_CHECKING:
    from types import FrameType

    from sekisho.recorder.observing import Operation, Seen

__all__ = ["devices_of", "fields_of", "line_of", "short_line"]


def devices_of(seen: Seen) -> tuple[str, str]:
    """Return the device before and after; Python numbers are on the host."""
    before = seen.source.device_name(seen.value)
    if seen.target is None:
        return before, "cpu"
    return before, before if seen.crossed is seen.value else seen.target.device_name(seen.crossed)


def line_of(frame: FrameType) -> dict[str, Any]:
    """Return the fields of a row that say where a frame is."""
    return {"filename": frame.f_code.co_filename, "line": frame.f_lineno or 0}


def short_line(frame: FrameType) -> str:
    """Return a frame's line with the last two parts of its path."""
    parts = frame.f_code.co_filename.replace("\\", "/").split("/")
    return f"{'/'.join(parts[-2:])}:{frame.f_lineno}"


def fields_of(
    operation: Operation,
    seen: Seen,
    own: FrameType,
    frame: FrameType,
    *,
    declared: bool,
    wants_copy: bool,
) -> dict[str, Any]:
    """Return all fields of a row except the sums, in the order of `Row`."""
    value, source, crossed, target, _, is_list = seen
    copied = None
    if value is None:
        devices, dtypes = (crossed, crossed), ("", "")
    elif target is None:
        devices, dtypes = devices_of(seen), (dtype_name(value.dtype), "")
    else:
        devices = devices_of(seen)
        dtypes = dtype_name(value.dtype), dtype_name(crossed.dtype)
        copied = operation.world.why_copied(
            operation.name, value, crossed, source, target, is_list=is_list
        )
        if wants_copy and copied is None:
            copied = "NumPy asked for a copy, as numpy.array does"
    return {
        **line_of(own),
        "function": own.f_code.co_qualname,
        "operation": operation.label,
        "source": source.name,
        "target": "python" if target is None else target.name,
        "source_device": devices[0],
        "target_device": devices[1],
        "source_dtype": dtypes[0],
        "dtype": dtypes[1],
        "copied": copied,
        "home": None,
        "declared": declared,
        "library": "" if own is frame else short_line(frame),
        "process": "",
    }
