"""One call of a guarded function, as the slow path sees it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from sekisho.contract import MEMO, Bindings, Contract, unpack_memo
from sekisho.worlds import World, world_of_array_class

if TYPE_CHECKING:
    from collections.abc import Callable

    from sekisho.border.copies import Copies
    from sekisho.border.tolerance import Tolerance

__all__ = ["Call", "call_reader"]


class Call(NamedTuple):
    """What one call of a guarded function fixes for all its values.

    Attributes:
        bound: the axis sizes bound so far; grows.
        world: the call's world, where the annotations name none.
        device: where tensors must be; None is anywhere.
        binders: which item of the value at hand bound an axis; grows.
        keys: the names that belong to what is being checked: the call, or a record in it.
        in_trial: whether one alternative of a union is tried, or a value of a call that has a tolerance:
            nobody may ever read the refusal.
        leaf: which leaf of a PyTree of which structure the value is, if it is one.
        copies: the arguments that were copied so far; grows. None if nobody asks: for results, for
            what the author has asked to be copied, and under a compiler.
        tolerance: lets a refused value pass; None if a refusal raises.
    """

    bound: Bindings
    world: World | None
    device: Any
    binders: dict[str, str]
    keys: frozenset[str]
    in_trial: bool = False
    leaf: tuple[int, str] | None = None
    copies: Copies | None = None
    tolerance: Tolerance | None = None


def call_reader(contract: Contract, knows: tuple[str, ...]) -> Callable[..., Call]:
    """Make the function that reads what a guard passes beside a value: context, then sizes.

    It takes what `Call.copies` and `Call.tolerance` are to be, too.
    """
    options, keys = contract.options, contract.keys
    same_world, module = options.kind == "same_world", options.device == "module"
    context = same_world + module
    fixed_device, home = None if module else options.device, options.world
    has_memo = MEMO in knows

    def read(
        arguments: tuple[Any, ...],
        copies: Copies | None = None,
        tolerance: Tolerance | None = None,
    ) -> Call:
        sizes = zip(knows, arguments[context:], strict=True)
        bound = {key: size for key, size in sizes if size is not None}
        if has_memo:
            unpack_memo(bound)
        world, device = home, fixed_device
        if same_world:
            world = world_of_array_class(arguments[0])
        elif module:
            device = arguments[0]
        # By position: by name takes longer. With a tolerance a refusal is worded once a place, so each
        # value is tried first.
        in_trial = tolerance is not None
        return Call(bound, world, device, {}, keys, in_trial, None, copies, tolerance)

    return read
