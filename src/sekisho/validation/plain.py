"""Explain why a plain Python value is refused: a number, a list or a tuple."""

from __future__ import annotations

import re
from collections import abc
from typing import TYPE_CHECKING, Any, get_args, get_origin

from sekisho.contract import ArraySpec
from sekisho.errors import WorldError, hide_in_pytest
from sekisho.hints import are_few, number_hint
from sekisho.validation.invalid import Invalid
from sekisho.worlds import HOST, class_of, describe, is_subclass

if TYPE_CHECKING:
    from collections.abc import Callable

    from sekisho.contract import HintSpec
    from sekisho.validation.call import Call
    from sekisho.validation.validate import Boundary
    from sekisho.validation.violations import Place

__all__ = ["find_packed", "plain_hint"]

__tracebackhide__ = hide_in_pytest


def plain_hint(
    spec: HintSpec, value: Any, check: Callable[[object], bool] | None, place: Place
) -> str | None:
    """Return the call that makes a valid list, tuple or number of a value, if there is one.

    Args:
        spec: the annotation.
        value: the value.
        check: the type checker's check of the annotation; None if `isinstance` has checked it.
        place: where the value is.
    """
    wanted: Any = get_origin(spec.hint) or spec.hint
    if wanted in {list, tuple} and issubclass(class_of(value), (list, tuple)):
        is_enough = are_few(value) and (check is None or _are_enough(spec, [*value], wanted, check))
        return f"{wanted.__name__}({{0}})" if is_enough else None
    return number_hint(wanted, value, _to_static(place))


def _to_static(place: Place) -> str:
    """Return how ``jax.jit`` leaves the number at a place as it is, which it does for whole arguments."""
    parameter = place.parameter
    if not place.path:
        return "leave it a number, with static_argnames='{0}'"
    steps = re.findall(r"\[[^]]*\]|\.\w+", place.path)
    if parameter.kind is parameter.kind.VAR_POSITIONAL and len(steps) == 1:
        return "leave it a number, with static_argnums"
    if parameter.kind is parameter.kind.VAR_KEYWORD and len(steps) == 1:
        return f"leave it a number, with static_argnames={steps[0][1:-1]}"
    return "make it static data of its class, or an argument of its own with static_argnames"


def _are_enough(
    spec: HintSpec, items: list[Any], wanted: Any, check: Callable[[object], bool]
) -> bool:
    """Return whether a container of the other class, with the same items, is valid.

    A type checker may check one item, at random. So each item is checked on its own, and none may
    be a container.
    """
    if any(
        is_subclass(class_of(each), abc.Container) and class_of(each) is not str for each in items
    ):
        return False
    # A tuple of fixed length has an annotation for each item, and is checked whole.
    is_fixed = get_args(spec.hint)[1:] not in {(), (...,)}
    return check(wanted(items)) and (is_fixed or all(check(wanted([each])) for each in items))


def find_packed(
    boundary: Boundary, spec: Any, value: Any, call: Call, place: Place
) -> Invalid | None:
    """Return what is wrong with one list or tuple that was passed to ``*args`` and not unpacked.

    None if that is not the mistake: an item is not valid either.
    """
    if not issubclass(class_of(value), (list, tuple)) or not value:
        return None
    if not isinstance(spec, ArraySpec) or not are_few(value):
        return None
    bound = dict(call.bound)  # shared by all items, as in a call with them
    trial = call._replace(bound=bound, binders={}, copies=None)
    for each in value:
        if type(boundary.validate_as(spec, each, place, trial)) is Invalid:
            return None
    reason = f"{describe(value)} is not {(spec.world or call.world or HOST).noun}"
    hint = f"unpack it: {place.contract.function}(*items)"
    return Invalid(WorldError, spec, value, place, reason, hint)
