"""Validate a value that failed the inline check of its guard, by its annotation.

This is the authority on what is valid: the inline checks must not be more lenient. A foreign value
is converted if the mode and the options allow it; any other invalid value raises an error.
"""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any, Final

from sekisho.context import get_mode
from sekisho.contract import (
    ANYTHING,
    UNANNOTATED,
    AliasSpec,
    ArraySpec,
    Contract,
    HintSpec,
    Options,
    PackedSpec,
    Parameter,
    RecordSpec,
    SelfSpec,
    TreeSpec,
    UnionSpec,
    at_leaf,
    check_in_scope,
    make_checker,
    match_shape,
    takes_arrays,
    walk,
)
from sekisho.errors import (
    BoundaryError,
    ConversionError,
    DeviceError,
    DTypeError,
    ShapeError,
    WorldError,
    hide_in_pytest,
)
from sekisho.monitor import note_refusal
from sekisho.validation.copies import add_array
from sekisho.validation.cross import CrossingRules
from sekisho.validation.facts import bind_dtype, shape_of, validate_self, why_no_scalar
from sekisho.validation.invalid import Hintable, Invalid
from sekisho.validation.items import validate_container
from sekisho.validation.plain import find_packed
from sekisho.validation.tolerance import validate_or_pass
from sekisho.validation.trees import validate_tree
from sekisho.validation.unions import validate_union
from sekisho.validation.violations import Place
from sekisho.validation.words import as_number, word
from sekisho.worlds import (
    HOST,
    Library,
    cast,
    class_of,
    describe,
    dtype_name,
    exports_memory,
    find_world,
    flatten,
    foreign_world,
    is_compiling,
    is_instance,
    may_cast,
    nests_deeper,
    with_leaves,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from sekisho.errors import Violation
    from sekisho.validation.call import Call

__all__ = ["Boundary"]

__tracebackhide__ = hide_in_pytest


_Anything: Final = type(ANYTHING)
_Unannotated: Final = type(UNANNOTATED)
_DEEP: Final = 50  # levels: more than any batch has, and within any recursion limit


class Boundary:
    """One place of a function where values are validated: a parameter, or the result."""

    def __init__(self, contract: Contract, parameter: Parameter, *, is_result: bool) -> None:
        self.options: Options = contract.options
        self.parameter = parameter
        # Read here, since the compiler of torch 2.6 cannot trace this property.
        self.has_default: bool = parameter.has_default
        self.home: Library | None = contract.options.world
        self.rules: CrossingRules = CrossingRules(contract, is_result=is_result)
        self.root: Place = Place(contract, parameter)
        # Made here, since a compiler that traces a call can make none.
        self.checks: list[tuple[HintSpec, Callable[[object], bool]]] = [
            (each, make_checker(each.hint, contract.options.typechecker or "beartype"))
            for each in walk(parameter.spec)
            if isinstance(each, HintSpec) and not each.classes
        ]

    def validate(self, value: Any, call: Call, place: Place | None = None) -> Any:
        """Return the valid value, converted if that is allowed, and bind its axes.

        Raises:
            BoundaryError: if the value is not valid, and the call has no tolerance.
        """
        found = self.verdict(value, call, place)
        if type(found) is Invalid:
            # An exception that the caller is just handling is not the cause.
            raise self.refusal(found) from None
        return found

    def validate_item(self, spec: Any, value: Any, place: Place, call: Call) -> Any:
        """Validate an item of an iterable when it is taken, which may be after the call."""
        found = self.verdict_on(spec, value, place, call)
        if type(found) is Invalid:
            raise self.refusal(found) from None
        return found

    def refusal(self, invalid: Invalid) -> BoundaryError:
        """Return the error to raise. Strict mode hears of a refused crossing."""
        error = self.error(invalid)
        return note_refusal(error) if invalid.is_crossing else error

    def error(self, invalid: Invalid) -> BoundaryError:
        """Return the error with all its words. All errors for an `Invalid` are made here."""
        return invalid.error(self.violation(invalid))

    def violation(self, invalid: Invalid) -> Violation:
        """Return what is wrong with a value in words, with the call that makes it valid."""
        return word(self, invalid)

    def verdict(self, value: Any, call: Call, place: Place | None = None) -> Any:
        """Return the valid value, or an `Invalid`: all that a parameter gets in one call."""
        place = place or self.root
        try:
            return self._verdict(value, call, place)
        except RecursionError:
            records = (each for each in walk(self.parameter.spec) if isinstance(each, RecordSpec))
            if not nests_deeper(value, _DEEP) and next(records, None) is None:
                raise  # the program's own error, which it may handle
        reason = "it nests too deep to be checked, or contains itself"
        invalid = Invalid(BoundaryError, self.parameter.spec, value, place, reason)
        if call.tolerance is None:
            return invalid
        call.tolerance.report(place, functools.partial(self.error, invalid))
        return value

    def _verdict(self, value: Any, call: Call, place: Place) -> Any:
        parameter = self.parameter
        spec, kind = parameter.spec, parameter.kind
        if self.has_default and value is parameter.default:
            return value
        if isinstance(spec, PackedSpec):
            return self.verdict_on(spec.inner, value, place, call)
        if kind is kind.VAR_POSITIONAL:
            places = [place.inside(f"[{i}]") for i in range(len(value))]
            is_only = len(value) == 1 and not is_compiling()  # no compiler traces the search
            found = self._several(spec, value, places, call, is_only=is_only)
            return found if type(found) is Invalid else tuple(found)
        if kind is kind.VAR_KEYWORD:
            places = [place.item(key) for key in value]
            found = self._several(spec, value.values(), places, call)
            return found if type(found) is Invalid else dict(zip(value, found, strict=True))
        return self.verdict_on(spec, value, place, call)

    def _several(
        self, spec: Any, values: Any, places: list[Place], call: Call, *, is_only: bool = False
    ) -> list[Any] | Invalid:
        """Return the valid values of ``*args`` or ``**kwargs``, or what is wrong with the first."""
        valid: list[Any] = []
        for value, place in zip(values, places, strict=True):
            found = self.verdict_on(spec, value, place, call, is_only=is_only)
            if type(found) is Invalid:
                return found
            valid.append(found)
        return valid

    def verdict_on(
        self, spec: Any, value: Any, place: Place, call: Call, *, is_only: bool = False
    ) -> Any:
        """Return one value that a caller passes or gets, if it is valid or may pass; or an `Invalid`.

        `is_only` is for the only one of ``*args``, which may be all of them in a list.
        """
        validate = self._validate_only if is_only else self.validate_as
        if call.tolerance is None:
            return validate(spec, value, place, call)
        return validate_or_pass(self, validate, spec, value, place, call)

    def _validate_only(self, spec: Any, value: Any, place: Place, call: Call) -> Any:
        found = self.validate_as(spec, value, place, call)
        if type(found) is Invalid:
            return find_packed(self, spec, value, call, place) or found
        return found

    def validate_as(  # noqa: PLR0911 - one return for each class
        self, spec: Any, value: Any, place: Place, call: Call
    ) -> Any:
        """Return a value that is valid by one annotation, the whole one or one inside; or an `Invalid`."""
        if isinstance(spec, ArraySpec):
            return self._validate_array(spec, value, place, call)
        # By class: the compiler of torch 2.7 cannot compare named tuples by `is`.
        if isinstance(spec, _Anything):
            return value
        if isinstance(spec, _Unannotated):
            return self._validate_unannotated(value, place, call)
        if isinstance(spec, HintSpec):
            return self._validate_hint(spec, value, place, call)
        if isinstance(spec, UnionSpec):
            return validate_union(self, spec, value, place, call)
        if isinstance(spec, AliasSpec):
            return self.validate_as(spec.target, value, place, call)
        if isinstance(spec, SelfSpec):
            return validate_self(spec, value, place, call)
        if isinstance(spec, TreeSpec):
            return validate_tree(self, spec, value, place, call)
        return validate_container(self, spec, value, place, call)

    # --- arrays

    def _validate_array(self, spec: ArraySpec, value: Any, place: Place, call: Call) -> Any:
        if call.leaf is not None and spec.axes is not None:
            spec = spec._replace(axes=at_leaf(spec.axes, call.leaf))
        is_ours = spec.owns(value, call.world)
        found = (self._own if is_ours else self._foreign)(spec, value, place, call)
        if type(found) is Invalid:
            return found.hintable_as(spec, value, call)
        return found

    def _foreign(self, spec: ArraySpec, value: Any, place: Place, call: Call) -> Any:
        """Return a value that is no array of the wanted world, converted; or an `Invalid`."""
        world, source = spec.world or call.world, find_world(value)
        scalar = source is not None and source is world and source.is_scalar(value)
        if scalar or (source is None and not exports_memory(value)):
            what = f"a {world.label} scalar" if scalar and world else describe(value)
            reason = None if value is None else f"{what} is not {(world or HOST).noun}"
            return Invalid(WorldError, spec, value, place, reason)
        if world is None or source is world or spec.array_type is not None:
            return Invalid(WorldError, spec, value, place)
        closed = self.rules.find_closed(spec, value, world, place)
        if closed is not None:
            return closed
        if source is None:
            made = self.rules.cross(spec, value, world, call, place)
            return made if type(made) is Invalid else self._own(spec, made, place.made(value), call)
        # Before the conversion, which changes neither dtype nor shape.
        valid = self._check_array(spec, value, place, call)
        if type(valid) is Invalid:
            return valid
        return self.rules.cross(spec, valid, world, call, place, passed=value)

    def _own(self, spec: ArraySpec, value: Any, place: Place, call: Call) -> Any:
        """Return an array of the wanted world, cast and moved if that is allowed; or an `Invalid`."""
        valid = self._check_array(spec, value, place, call)
        if type(valid) is Invalid:
            return valid
        home = self.home
        if call.device is None or home is None or home.is_on(valid, call.device):
            if valid is not value:
                reason = f"it was cast from {dtype_name(value.dtype)}"
                add_array(call.copies, valid, find_world(valid) or HOST, place, reason)
            return valid
        if self.rules.why_closed(home) is not None:
            reason = f"{place.it} is on {home.device(valid)}, not {call.device}"
            return Invalid(DeviceError, spec, valid, place, reason)
        return self.rules.cross(spec, valid, home, call, place)

    def _check_array(self, spec: ArraySpec, value: Any, place: Place, call: Call) -> Any:
        """Check dtype and shape; return the value, cast if its dtype may change; or an `Invalid`."""
        name = dtype_name(value.dtype)
        if not spec.accepts_dtype(name):
            value = self._cast(spec, value, name, place, call)
            if type(value) is Invalid:
                return value
        if spec.dtype_key is not None:
            invalid = bind_dtype(spec, spec.dtype_key, value, place, call)
            if invalid is not None:
                return invalid
        if spec.axes is None:
            return value
        # The shape of a DTensor is the global one; `local=True` checks its shard's.
        local = value.to_local() if self.options.local and hasattr(value, "to_local") else value
        shape, bound = shape_of(local, spec, value, place, call), call.bound
        if type(shape) is Invalid:
            return shape
        before = set(bound)
        mismatch = match_shape(spec.axes, shape, bound)
        if mismatch is not None:
            return Invalid(ShapeError, spec, value, place, mismatch=mismatch, shape=shape)
        call.binders.update({key: place.it for key in bound if key not in before})
        return value

    def _cast(self, spec: ArraySpec, value: Any, name: str, place: Place, call: Call) -> Any:
        target = spec.only_dtype
        if target is None or not may_cast(name, target, self.options.casting):
            reason = f"{place.it} is {name}, not {spec.dtype_label}"
            return Invalid(DTypeError, spec, value, place, reason)
        if self.options.copy is False:
            reason = f"copy=False, but {place.it} is {name} and has to be cast"
            return Invalid(ConversionError, spec, value, place, reason, "copy=None")
        if call.copies is None:
            return cast(value, target)
        with (find_world(value) or HOST).counting_writes():
            return cast(value, target)

    def _validate_unannotated(self, value: Any, place: Place, call: Call) -> Any:
        world = self.home or call.world
        if world is None:  # a boundary checks nothing without an annotation
            return value
        if issubclass(class_of(value), (dict, list, tuple)):
            for each in flatten(value) if get_mode() == "strict" else ():
                if foreign_world(each, world):
                    closed = self.rules.find_closed(UNANNOTATED, each, world, place)
                    if closed is not None:
                        return closed
            return value
        if not foreign_world(value, world):
            return value
        found = self.rules.find_closed(UNANNOTATED, value, world, place)
        if found is None:
            found = self.rules.cross(UNANNOTATED, value, world, call, place)
        if type(found) is Invalid:
            return found.hintable_as(UNANNOTATED, value, call)
        return found

    # --- annotations that a type checker checks

    def check_of(self, spec: HintSpec) -> Callable[[object], bool]:
        """Return the type checker's check of one annotation."""
        (check,) = [check for each, check in self.checks if each.hint is spec.hint][:1]
        return check

    def _validate_hint(self, spec: HintSpec, value: Any, place: Place, call: Call) -> Any:
        if spec.classes:
            if is_instance(value, spec.classes):
                return value
            hintable = Hintable(spec, value, call)
            reason = why_no_scalar(spec, value)
            return Invalid(BoundaryError, spec, value, place, reason, hintable=hintable)
        check = self.check_of(spec)
        if not spec.arrays:
            passes = check(with_leaves(value, as_number) if is_compiling() else value)
            if passes:
                value = self._validate_array_like(spec, value, place, call)
        else:
            home = self.home
            if home is not None and foreign_world(value, home):
                closed = self.rules.find_closed(spec, value, home, place)
                if closed is not None:
                    return closed
                value = self.rules.cross(spec, value, home, call, place)
                if type(value) is Invalid:
                    return value
            passes = check_in_scope(check, value, call.bound, call.leaf)
        if not passes:
            hintable = Hintable(spec, value, call)
            return Invalid(BoundaryError, spec, value, place, hintable=hintable)
        return value

    def _validate_array_like(self, spec: HintSpec, value: Any, place: Place, call: Call) -> Any:
        """Convert or refuse a foreign array that a hint accepts without naming an array.

        Like no annotation at all, ``npt.ArrayLike``, a protocol and ``Sized`` accept any array.
        """
        if self.home is None and call.world is None:
            return value
        crossed = value
        if find_world(value) is not None or (takes_arrays(spec.hint) and get_mode() == "strict"):
            crossed = self._validate_unannotated(value, place, call)
        is_new = crossed is not value and type(crossed) is not Invalid
        if is_new and not self.check_of(spec)(crossed):
            reason = f"as {describe(crossed)} it is none"
            return Invalid(BoundaryError, spec, value, place, reason)
        return crossed
