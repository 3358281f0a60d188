"""Crossing the border: may it be, here and now; then convert, warn and log."""

from __future__ import annotations

import time
import warnings
from typing import TYPE_CHECKING, Any

from sekisho._convert import Policy, Refusal, convert
from sekisho._crossings import Crossing, caller, is_recording, record
from sekisho.errors import ConversionError, CrossingWarning, WorldError
from sekisho.modes import get_mode
from sekisho.worlds import NUMPY, World, describe, dtype_name, find_world

if TYPE_CHECKING:
    from sekisho._contract import Contract
    from sekisho._violations import Place

__all__ = ["Border", "cross"]


class Border:
    """The border at one boundary: what the function's options and the mode say of crossing it."""

    def __init__(self, contract: Contract, *, is_result: bool) -> None:
        self.function = contract.function
        self.options = contract.options
        self.is_result = is_result

    def why_closed(self) -> str | None:
        """Why nothing may cross here and now; None if it may."""
        options = self.options
        if self.is_result:
            home = "its world" if options.world else "the world of its arguments"
            return f"the function left {home}"
        if options.on_foreign == "convert":
            return None
        if options.on_foreign == "reject":
            return "on_foreign='reject' lets nothing cross here"
        if options.kind == "boundary":
            return "a boundary takes what its annotations say; on_foreign='convert' converts"
        return "mode 'strict' lets nothing cross here" if get_mode() == "strict" else None

    def require_passage(self, spec: Any, value: Any, world: World, place: Place) -> None:
        """Refuse a foreign value if nothing may cross.

        Raises:
            WorldError: naming the call that converts.
        """
        reason = self.why_closed()
        if reason is not None:
            raise WorldError(place.violation(spec, value, reason, f"to_{world.name}({{}})"))

    def cross(self, spec: Any, value: Any, target: World, device: Any, place: Place) -> Any:
        """Convert a value that may cross.

        Raises:
            ConversionError: if no lossless conversion exists.
        """
        options = self.options
        policy = Policy(options.copy, device, detach=options.detach, read_only=True)
        try:
            crossed = cross(value, target, policy, self.function, place.place)
        except Refusal as refusal:
            violation = place.violation(spec, value, refusal.reason, refusal.hint)
            raise ConversionError(violation) from None
        if options.on_foreign is None and get_mode() == "warn":
            self._warn(value, crossed, place)
        return crossed

    def _warn(self, value: object, crossed: object, place: Place) -> None:
        frame = caller()
        text = f"{self.function}() {place.place}: {describe(value)} crossed to {describe(crossed)}."
        warnings.warn_explicit(
            text,
            CrossingWarning,
            frame.f_code.co_filename,
            frame.f_lineno,
            registry=frame.f_globals.setdefault("__warningregistry__", {}),
        )


def cross(value: Any, target: World, policy: Policy, function: str, place: str) -> Any:
    """Convert a value and log the crossing.

    Raises:
        Refusal: if no lossless conversion exists.
    """
    if not is_recording():
        return convert(value, target, policy).value
    start = time.perf_counter()
    converted = convert(value, target, policy)
    seconds = time.perf_counter() - start
    crossed = converted.value
    source = find_world(value) or NUMPY
    if source is target and crossed is value:
        return crossed
    frame = caller()
    record(
        Crossing(
            function,
            place,
            source.name,
            target.name,
            dtype_name(crossed.dtype),
            tuple(crossed.shape),
            str(getattr(value, "device", "cpu")),
            str(getattr(crossed, "device", "cpu")),
            crossed.nbytes,
            converted.copied,
            seconds,
            frame.f_code.co_filename,
            frame.f_lineno,
        )
    )
    return crossed
