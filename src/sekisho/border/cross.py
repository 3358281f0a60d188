"""Crossing the border: may it be, here and now; then convert, warn and log."""

from __future__ import annotations

import warnings
from contextlib import nullcontext
from typing import TYPE_CHECKING, Any

from sekisho.border.copies import add_array
from sekisho.context import caller, cross, current
from sekisho.errors import ConversionError, CrossingWarning, WorldError, hide_in_pytest
from sekisho.watch import note_refusal
from sekisho.worlds import Policy, Refusal, World, describe, dtype_name, find_world

if TYPE_CHECKING:
    from sekisho.border.call import Call
    from sekisho.border.violations import Place
    from sekisho.contract import Contract, Options

__all__ = ["Border"]

__tracebackhide__ = hide_in_pytest


class Border:
    """The border at one boundary: what the function's options and the mode say of crossing it."""

    def __init__(self, contract: Contract, *, is_result: bool) -> None:
        self.function: str = contract.function
        self.options: Options = contract.options
        self.is_result = is_result

    def why_closed(self, target: World) -> str | None:
        """Why nothing may cross into `target` here and now; None if it may."""
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
        setting = current()
        is_closed = setting.level(target.name) == "disallow"
        return setting.why_closed(target.name) if is_closed else None

    def require_passage(self, spec: Any, value: Any, world: World, place: Place) -> None:
        """Refuse a foreign value if nothing may cross.

        Raises:
            WorldError: saying why; the call that converts is added where it is known to help.
        """
        reason = self.why_closed(world)
        if reason is not None:
            raise note_refusal(WorldError(place.violation(spec, value, reason)))

    def option_to_pass(self) -> str | None:
        """What the decorator could be told for values to cross, where only the mode forbids it."""
        options = self.options
        if self.is_result or options.on_foreign == "reject" or options.kind == "boundary":
            return None
        return f"@{options.kind}(on_foreign='convert')"

    def hint_of_first(self, call: Call, value: Any) -> str | None:
        """What mends a call whose first array, a constant, is of another world than a traced one."""
        found = find_world(value)
        is_traced = found is not None and (found.kind_of(value) or "").endswith("Tracer")
        world = call.world
        if self.options.kind != "same_world" or not is_traced or world in {None, found}:
            return None
        assert world is not None
        assert found is not None
        return (
            f"the first array decides, and it is {world.label}'s: pass it by to_{found.name}(...)"
        )

    def cross(
        self,
        spec: Any,
        value: Any,
        target: World,
        call: Call,
        place: Place,
        passed: Any = None,
    ) -> Any:
        """Convert a value that may cross; `passed` is what it was before a cast.

        Raises:
            ConversionError: if no lossless conversion exists.
        """
        options = self.options
        policy = Policy(options.copy, call.device, detach=options.detach, read_only=True)
        cast, reason = None, ""
        if passed is not None and passed is not value:
            cast = f"it was cast from {dtype_name(passed.dtype)}"
        crossed: Any = None
        copied: str | None = None
        # What is no argument's copy is made as it always was.
        block = nullcontext() if call.copies is None else target.counting_writes()
        try:
            with block:
                crossed, copied = cross(
                    value, target, policy, self.function, place.place, options.world, copied=cast
                )
        except Refusal as refusal:
            reason = refusal.reason
        if reason:  # outside of the handler: an error that is kept keeps no frame of the refusal's
            raise ConversionError(place.violation(spec, value, reason))
        if options.on_foreign is None and current().level(target.name) == "warn":
            self._warn(value, crossed, place)
        if cast or copied:
            add_array(call.copies, crossed, target, place, cast or copied or "")
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
