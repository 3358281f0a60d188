"""Word a value that is not valid: its message, with the hint, which is searched here and once."""

from __future__ import annotations

from operator import index
from typing import TYPE_CHECKING, Any

from sekisho.contract import FREE, UNANNOTATED, ArraySpec, HintSpec, TupleSpec, match_shape
from sekisho.errors import hide_in_pytest
from sekisho.hints import Wanted, are_few, find_hint, plain_text, shape_step
from sekisho.validation.invalid import Invalid
from sekisho.validation.plain import plain_hint
from sekisho.worlds import HOST, Policy, class_of, find_world, is_compiling, with_leaves

if TYPE_CHECKING:
    from sekisho.errors import Violation
    from sekisho.validation.call import Call
    from sekisho.validation.invalid import Hintable
    from sekisho.validation.validate import Boundary
    from sekisho.validation.violations import Axes, Place

__all__ = ["as_number", "word"]

__tracebackhide__ = hide_in_pytest


def as_number(value: Any) -> Any:
    """Return an integer that a compiler has made a symbol as the number that it is."""
    # Dynamo's symbols say that they are int; torch.export passes symbols of a class of their own.
    return index(value) if class_of(value).__name__ in {"int", "SymInt"} else value


def word(boundary: Boundary, invalid: Invalid) -> Violation:
    """Return the violation for a value that is not valid at a boundary, with its hint."""
    spec, value, place, is_traced = invalid.spec, invalid.value, invalid.place, is_compiling()
    reason, hint = invalid.reason, invalid.hint
    axes: Axes = ()
    if invalid.mismatch is not None:
        reason, hint, axes = _word_mismatch(invalid, is_traced=is_traced)
    hint = hint or place.mistake(spec, value)
    if hint is None and invalid.hintable is not None and not is_traced:
        hint = _find_hint(boundary, invalid.hintable, place)
    return place.violation(spec, value, reason, hint, axes, invalid.expected)


def _word_mismatch(invalid: Invalid, *, is_traced: bool) -> tuple[str, str | None, Axes]:
    """Return what does not fit of a shape, the hint if a compiler traces, and the bound axes."""
    spec, place, mismatch = invalid.spec, invalid.place, invalid.mismatch
    assert mismatch is not None
    assert invalid.hintable is not None
    call, shape, hint = invalid.hintable.call, invalid.shape, None
    bound = call.bound
    if is_traced:  # again with numbers, since symbols cannot be printed
        shape = tuple([index(size) for size in shape])
        bound = {key: with_leaves(size, as_number) for key, size in bound.items()}
        mismatch = match_shape(spec.axes, shape, bound) or mismatch
        step = shape_step(spec, shape, bound, find_world(invalid.value) or HOST)
        hint = step and plain_text(step, "{0}")
    return place.word(mismatch, call.binders), hint, place.bound(spec, bound, call.binders)


def _find_hint(boundary: Boundary, hintable: Hintable, place: Place) -> str | None:
    spec, value, call = hintable
    if spec is UNANNOTATED or isinstance(spec, ArraySpec):
        return _array_hint(boundary, spec, value, call)
    if isinstance(spec, HintSpec):
        check = None if spec.classes else boundary.check_of(spec)
        return plain_hint(spec, value, check, place)
    return _container_hint(boundary, spec, value, place, call)


def _array_hint(boundary: Boundary, spec: Any, value: Any, call: Call) -> str | None:
    """Return the call that makes a value valid here, or else the option that accepts it."""
    options, rules = boundary.options, boundary.rules
    array_spec = None if spec is UNANNOTATED else spec
    if array_spec is not None and array_spec.array_type is not None:
        return None
    world = call.world if array_spec is None else array_spec.world or call.world
    wanted = Wanted(
        world,
        world is not None and rules.why_closed(world) is None,
        array_spec,
        {key: size for key, size in call.bound.items() if size is not FREE},
        Policy(options.copy, call.device, detach=options.detach),
        scalars=array_spec is None or array_spec.takes_scalars,
    )
    hint = find_hint(value, wanted, rules.option_to_pass())
    return rules.hint_of_first(call, value) or hint


def _container_hint(
    boundary: Boundary, spec: Any, value: Any, place: Place, call: Call
) -> str | None:
    """Return ``tuple(x)`` for a list that must be a tuple, or the reverse, if that is enough."""
    wanted: Any = tuple if isinstance(spec, TupleSpec) else getattr(spec, "container", None)
    is_one = issubclass(class_of(value), (list, tuple)) and wanted in {list, tuple}
    if not is_one or not are_few(value):
        return None
    try:
        found = boundary.validate_as(spec, wanted(value), place, call)
    except RecursionError:  # a value that nests too deep has been refused for its class already
        return None
    return None if type(found) is Invalid else f"{wanted.__name__}({{0}})"
