"""Convert a foreign value if that is allowed, here and now; warn and log."""

from __future__ import annotations

from contextlib import nullcontext
from typing import TYPE_CHECKING, Any

from sekisho.context import caller, cross, current
from sekisho.errors import ConversionError, CrossingWarning, WorldError, hide_in_pytest
from sekisho.utils import warn_at_frame
from sekisho.validation.copies import add_array
from sekisho.validation.invalid import Invalid
from sekisho.worlds import Library, Policy, Refusal, describe, dtype_name, find_world

if TYPE_CHECKING:
    from sekisho.contract import Contract, Options
    from sekisho.validation.call import Call
    from sekisho.validation.violations import Place

__all__ = ["CrossingRules"]

__tracebackhide__ = hide_in_pytest


class CrossingRules:
    """The rules for conversions at one boundary: the function's options, and the mode."""

    def __init__(self, contract: Contract, *, is_result: bool) -> None:
        self.function: str = contract.function
        self.options: Options = contract.options
        self.is_result = is_result

    def why_closed(self, target: Library) -> str | None:
        """Return why nothing may be converted to `target` here and now; None if it may."""
        options = self.options
        # A result is never converted here: a function must return arrays of its world.
        if self.is_result:
            home = "its world" if options.world else "the world of its arguments"
            return f"the function left {home}"
        if options.on_foreign == "convert":
            return None
        if options.on_foreign == "refuse":
            return "on_foreign='refuse' lets nothing cross here"
        if options.kind == "boundary":
            return "a boundary takes what its annotations say; on_foreign='convert' converts"
        setting = current()
        is_closed = setting.level(target.name) == "refuse"
        return setting.why_closed(target.name) if is_closed else None

    def find_closed(self, spec: Any, value: Any, world: Library, place: Place) -> Invalid | None:
        """Return why a foreign value is not valid; None if it may be converted."""
        reason = self.why_closed(world)
        if reason is None:
            return None
        return Invalid(WorldError, spec, value, place, reason, is_crossing=True)

    def option_to_pass(self) -> str | None:
        """Return the decorator's option that allows conversions, if only the mode forbids them."""
        options = self.options
        if self.is_result or options.on_foreign == "refuse" or options.kind == "boundary":
            return None
        return f"@{options.kind}(on_foreign='convert')"

    def hint_of_first(self, call: Call, value: Any) -> str | None:
        """Return the fix for a constant first array and a traced value of another world."""
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
        target: Library,
        call: Call,
        place: Place,
        passed: Any = None,
    ) -> Any:
        """Return a converted value, or an `Invalid` if no lossless conversion exists.

        `passed` is the value before a cast.
        """
        options = self.options
        policy = Policy(options.copy, call.device, detach=options.detach, read_only=True)
        cast: str | None = None
        if passed is not None and passed is not value:
            cast = f"it was cast from {dtype_name(passed.dtype)}"
        # Only writes into copies of arguments are counted.
        block = nullcontext() if call.copies is None else target.counting_writes()
        try:
            with block:
                crossed, copied = cross(
                    value, target, policy, self.function, place.place, options.world, copied=cast
                )
        except Refusal as refusal:
            return Invalid(ConversionError, spec, value, place, refusal.reason)
        if options.on_foreign is None and current().level(target.name) == "warn":
            self._warn(value, crossed, place)
        if cast or copied:
            add_array(call.copies, crossed, target, place, cast or copied or "")
        return crossed

    def _warn(self, value: object, crossed: object, place: Place) -> None:
        text = f"{self.function}() {place.place}: {describe(value)} crossed to {describe(crossed)}."
        warn_at_frame(caller(), text, CrossingWarning)
