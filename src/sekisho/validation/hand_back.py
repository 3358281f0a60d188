"""Take results back to the world, and the device, of the call: ``returns="caller"``.

The first array argument in signature order decides, without ``self``; containers are searched in
order. A call without an array argument gets its results unchanged.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sekisho.context import cross, is_noted
from sekisho.contract import Contract, RecordSpec, TreeSpec, field_names, has_fields, walk
from sekisho.errors import ConversionError, Violation, hide_in_pytest
from sekisho.hints import Wanted, find_hint
from sekisho.worlds import (
    Policy,
    Refusal,
    class_of,
    describe,
    find_world,
    flatten,
    tree_leaves,
    with_leaves,
)

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["first_array", "first_array_of", "make_hand_back"]

__tracebackhide__ = hide_in_pytest


def first_array(*arguments: Any) -> Any:
    """Return the first array among the arguments, also in containers; None if there is none."""
    return next((each for each in flatten(arguments) if find_world(each) is not None), None)


def first_array_of(contract: Contract) -> Callable[..., Any]:
    """Make the function that finds the first array among a call's values.

    It looks into records and PyTrees if an annotation reads their fields or leaves.
    """
    specs = [each.spec for each in contract.parameters]
    if not any(isinstance(each, (RecordSpec, TreeSpec)) for spec in specs for each in walk(spec)):
        return first_array

    def first(*arguments: Any) -> Any:
        found = flatten(arguments, _parts_of)
        return next((each for each in found if find_world(each) is not None), None)

    return first


def _parts_of(value: Any) -> list[Any] | None:
    kind = class_of(value)
    if find_world(value) is not None:
        return None
    if has_fields(kind):
        names = [name for name in field_names(kind) if hasattr(value, name)]
        return [getattr(value, name) for name in names]
    return tree_leaves(value)


def make_hand_back(contract: Contract) -> Any:
    """Make the function that takes a result back to the world of the caller's array."""
    copy, detach = contract.options.copy, contract.options.detach
    home, place = contract.options.world, contract.result.place

    def hand_back(result: Any, caller: Any) -> Any:
        target = find_world(caller)
        if target is None:
            return result
        device = target.device(caller)
        policy = Policy(copy, device, detach=detach)

        refused: list[Violation] = []

        def refuse(value: Any, reason: str, hint: str | None = None) -> None:
            expected = f"a value that can go back to {target.label}"
            got = describe(value)
            refused.append(Violation(contract.function, place, expected, got, reason, hint=hint))

        def back(value: Any) -> Any:
            world = find_world(value)
            at_home = world is target and (device is None or target.is_on(value, device))
            # Only arrays elsewhere are converted; numbers and other values stay.
            if refused or world is None or at_home or world.is_scalar(value):
                return value
            try:
                return cross(value, target, policy, contract.function, place, home).value
            except Refusal as refusal:
                hint = find_hint(value, Wanted(target, policy=policy))
                refuse(value, refusal.reason, hint and hint.format("result"))
            return value

        handed: Any = None
        try:
            handed = with_leaves(result, back)
        except Refusal as refusal:
            refuse(result, f"{place} {refusal.reason}")
        if not refused:
            return handed
        error = ConversionError(refused[0])
        if not is_noted(error, contract.function, place):
            raise error
        return result

    return hand_back
