"""One call of a guarded function, as the slow path sees it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from sekisho.contract import MEMO, Bindings, Contract, unpack_memo
from sekisho.worlds import Library, world_of_array_class

if TYPE_CHECKING:
    from collections.abc import Callable

    from sekisho.validation.copies import Copies
    from sekisho.validation.tolerance import Tolerance

__all__ = ["Call", "call_reader", "restore", "saved"]


class Call(NamedTuple):
    """What one call of a guarded function keeps for all its values.

    Attributes:
        bound: the axis sizes bound so far; grows.
        world: the call's world, for annotations that name none.
        device: where tensors must be; None for anywhere.
        binders: for an axis that was bound in the current value, the item that bound it; grows.
        keys: the names that belong to what is being checked: the call, or a record in it.
        leaf: the number of a PyTree's leaf and the name of the structure, if the value is a leaf.
        copies: the arguments that were copied so far; grows. None if they are not compared: for
            results, for copies that the author has asked for, and under a compiler.
        tolerance: lets a refused value pass; None if a refusal raises.
    """

    bound: Bindings
    world: Library | None
    device: Any
    binders: dict[str, str]
    keys: frozenset[str]
    leaf: tuple[int, str] | None = None
    copies: Copies | None = None
    tolerance: Tolerance | None = None


def call_reader(contract: Contract, knows: tuple[str, ...]) -> Callable[..., Call]:
    """Make the function that reads what a guard passes beside a value: context, then sizes.

    It also takes the `Call.copies` and the `Call.tolerance` of the new call.
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
        # By position: keywords take longer.
        return Call(bound, world, device, {}, keys, None, copies, tolerance)

    return read


def saved(call: Call) -> Call:
    """Return a call that keeps what is bound now, and that records no copies."""
    # By position, not by `_replace`, which the compiler of torch 2.6 cannot trace.
    bound, binders = dict(call.bound), dict(call.binders)
    return Call(bound, call.world, call.device, binders, call.keys, call.leaf, None, call.tolerance)


def restore(call: Call, before: Call, copied: int) -> None:
    """Undo what an invalid value has bound and copied.

    Args:
        call: the call.
        before: what `saved` returned before the value.
        copied: the number of copies before the value.
    """
    call.bound.clear()
    call.bound.update(before.bound)
    call.binders.clear()
    call.binders.update(before.binders)
    if call.copies:
        del call.copies[copied:]
