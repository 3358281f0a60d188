"""Hold the arguments of an example to the contract, as a call does."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sekisho.contract import match_shape
from sekisho.errors import DTypeError, ShapeError, Violation
from sekisho.exporting.refusals import refuse_argument
from sekisho.exporting.tree import MISSING, leaves
from sekisho.validation import Boundary, Call
from sekisho.worlds import describe, dtype_name, find_world

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sekisho.contract import Bindings
    from sekisho.exporting.reading import Arguments
    from sekisho.exporting.tree import Leaf
    from sekisho.worlds import Library

__all__ = ["hold_example"]


def hold_example(
    arguments: Arguments, values: Mapping[str, Any], known: Mapping[str, Any], world: Library
) -> None:
    """Hold the arguments of an example to the contract.

    Args:
        arguments: the arguments as trees.
        values: the arguments, by their parameters.
        known: the value of each ``{argument}`` that an axis may use.
        world: the world of the exporter.

    Raises:
        BoundaryError: if a call would refuse them.
        DeclarationError: for an array of another world, which torch takes for a constant.
    """
    bound = arguments.bound
    contract = bound.contract
    call = Call(dict(known), contract.options.world or world, None, {}, contract.keys)
    for each in contract.parameters:
        value = values.get(each.name, MISSING)
        found = [] if value is MISSING else [*leaves(arguments.nodes[each.name])]
        for leaf in found:
            source = find_world(leaf.value)
            if leaf.spec is not None and source not in {None, world} and world.name == "torch":
                why = f"torch exports tensors, and it is {describe(leaf.value)}"
                refuse_argument(bound.name, leaf.place, why, f"to_torch({leaf.place})")
        stand_ins = [leaf for leaf in found if leaf.spec is not None and not find_world(leaf.value)]
        for leaf in stand_ins:
            _hold_stand_in(bound.name, leaf, call.bound)
        if found and not stand_ins:
            Boundary(contract, each, is_result=False).validate(value, call._replace(binders={}))


def _hold_stand_in(function: str, leaf: Leaf, bound: Bindings) -> None:
    """Hold a shape and a dtype without values to an annotation: a ``jax.ShapeDtypeStruct``."""
    spec, shape, name = leaf.spec, tuple(leaf.value.shape), dtype_name(leaf.value.dtype)
    got = f"{name}{list(shape)}"
    assert spec is not None
    if not spec.accepts_dtype(name):
        raise DTypeError(Violation(function, f"argument '{leaf.place}'", spec.text, got))
    # Symbols of an earlier export are not compared: JAX may not know whether they are equal.
    is_plain = all(type(each) is int for each in shape)
    if is_plain and spec.axes is not None and match_shape(spec.axes, shape, bound) is not None:
        raise ShapeError(Violation(function, f"argument '{leaf.place}'", spec.text, got))
