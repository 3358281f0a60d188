"""Validate a value that failed the inline check of its guard, by its annotation.

This is the authority on what is valid: the inline checks must not be more lenient. A foreign value
is converted if the mode and the options allow it; any other invalid value raises an error.
"""

from __future__ import annotations

from operator import index
from typing import TYPE_CHECKING, Any, Final

from sekisho.context import get_mode
from sekisho.contract import (
    ANYTHING,
    FREE,
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
from sekisho.hints import Wanted, find_hint, plain_text, shape_step
from sekisho.validation.copies import add_array
from sekisho.validation.cross import Border
from sekisho.validation.facts import bind_dtype, shape_of, validate_self
from sekisho.validation.items import validate_container
from sekisho.validation.plain import plain_refusal, refuse_packed
from sekisho.validation.tolerance import validate_or_pass
from sekisho.validation.trees import validate_tree
from sekisho.validation.unions import validate_union
from sekisho.validation.violations import Place
from sekisho.worlds import (
    HOST,
    Policy,
    World,
    cast,
    class_of,
    describe,
    dtype_name,
    exports_memory,
    find_world,
    flatten,
    foreign_world,
    is_compiling,
    may_cast,
    nests_deeper,
    with_leaves,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from sekisho.validation.call import Call
    from sekisho.validation.items import Validate

__all__ = ["Boundary"]

__tracebackhide__ = hide_in_pytest


_Anything: Final = type(ANYTHING)
_Unannotated: Final = type(UNANNOTATED)
_DEEP: Final = 50  # levels: more than any batch has, and within any recursion limit


def _as_number(value: Any) -> Any:
    """Return an integer that a compiler has made a symbol as the number that it is."""
    # Dynamo's symbols say that they are int; torch.export passes symbols of a class of their own.
    return index(value) if class_of(value).__name__ in {"int", "SymInt"} else value


class Boundary:
    """One place of a function where values are validated: a parameter, or the result."""

    def __init__(self, contract: Contract, parameter: Parameter, *, is_result: bool) -> None:
        self.options: Options = contract.options
        self.parameter = parameter
        # Read here, since the compiler of torch 2.6 cannot trace this property.
        self.has_default: bool = parameter.has_default
        self.home: World | None = contract.options.world
        self.border: Border = Border(contract, is_result=is_result)
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
        if is_compiling():
            return self._validate(value, call, place)
        try:
            return self._validate(value, call, place)
        except RecursionError:
            records = (each for each in walk(self.parameter.spec) if isinstance(each, RecordSpec))
            if not nests_deeper(value, _DEEP) and next(records, None) is None:
                raise  # the program's own error, which it may handle
            reason = "it nests too deep to be checked, or contains itself"
            violation = (place or self.root).violation(self.parameter.spec, value, reason)
        error = BoundaryError(violation)
        if call.tolerance is None:
            raise error
        call.tolerance.report(place or self.root, lambda: error)
        return value

    def _validate(self, value: Any, call: Call, place: Place | None) -> Any:
        parameter = self.parameter
        place = place or self.root
        if self.has_default and value is parameter.default:
            return value
        if isinstance(parameter.spec, PackedSpec):
            return self._validate_value(self.validate_as, parameter.spec.inner, value, place, call)
        validate = self.validate_as
        if parameter.kind is parameter.kind.VAR_POSITIONAL:
            if len(value) == 1 and not is_compiling():
                validate = self._validate_only
            return tuple(
                self._validate_value(validate, parameter.spec, each, place.inside(f"[{i}]"), call)
                for i, each in enumerate(value)
            )
        if parameter.kind is parameter.kind.VAR_KEYWORD:
            return {
                key: self._validate_value(validate, parameter.spec, each, place.item(key), call)
                for key, each in value.items()
            }
        return self._validate_value(validate, parameter.spec, value, place, call)

    @staticmethod
    def _validate_value(validate: Validate, spec: Any, value: Any, place: Place, call: Call) -> Any:
        """Return one value that a caller has passed, or that it gets."""
        if call.tolerance is None:
            return validate(spec, value, place, call)
        return validate_or_pass(validate, spec, value, place, call)

    def _validate_only(self, spec: Any, value: Any, place: Place, call: Call) -> Any:
        """Return the only one of ``*args``, which may be all of them in a list."""
        refuse_packed(self, value, call, place)
        return self.validate_as(spec, value, place, call)

    def validate_as(  # noqa: PLR0911 - one return for each class
        self, spec: Any, value: Any, place: Place, call: Call
    ) -> Any:
        """Return a value that is valid by one annotation: the whole one, or one inside of it."""
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
            return validate_union(self.validate_as, spec, value, place, call)
        if isinstance(spec, AliasSpec):
            return self.validate_as(spec.target, value, place, call)
        if isinstance(spec, SelfSpec):
            return validate_self(spec, value, place, call)
        if isinstance(spec, TreeSpec):
            return validate_tree(self, spec, value, place, call)
        return validate_container(self.validate_as, spec, value, place, call)

    # --- arrays

    def _validate_array(self, spec: ArraySpec, value: Any, place: Place, call: Call) -> Any:
        if call.leaf is not None and spec.axes is not None:
            spec = spec._replace(axes=at_leaf(spec.axes, call.leaf))
        if call.in_trial or is_compiling():
            return self._pass_array(spec, value, place, call)
        try:
            return self._pass_array(spec, value, place, call)
        except BoundaryError as error:
            self._add_hint(error, spec, value, place, call)
            raise

    def _add_hint(
        self, error: BoundaryError, spec: Any, value: Any, place: Place, call: Call
    ) -> None:
        violation = error.violation
        if is_compiling() or violation is None or violation.hint is not None:
            return
        # Another guard may have raised it, for an attribute that an axis names.
        if (violation.function, violation.place) == (place.contract.function, place.place):
            hint = self._hint(spec, value, call)
            error.args = (violation._replace(hint=hint and hint.format(place.name)),)

    def _hint(self, spec: Any, value: Any, call: Call) -> str | None:
        """Return the call that makes a value valid here, or else the option that accepts it."""
        world = call.world if spec is UNANNOTATED else spec.world or call.world
        closed = world is None or self.border.why_closed(world) is not None
        policy = Policy(self.options.copy, call.device, detach=self.options.detach)
        array_spec = None if spec is UNANNOTATED else spec
        wanted = Wanted(
            world,
            not closed,
            array_spec,
            {key: size for key, size in call.bound.items() if size is not FREE},
            policy,
            scalars=spec is UNANNOTATED or spec.takes_scalars,
        )
        if array_spec is not None and array_spec.array_type is not None:
            return None
        hint = find_hint(value, wanted, self.border.option_to_pass())
        return self.border.hint_of_first(call, value) or hint

    def _pass_array(self, spec: ArraySpec, value: Any, place: Place, call: Call) -> Any:
        world = spec.world or call.world
        if not spec.owns(value, call.world):
            source = find_world(value)
            scalar = source is not None and source is world and source.is_scalar(value)
            if scalar or (source is None and not exports_memory(value)):
                what = f"a {world.label} scalar" if scalar and world else describe(value)
                reason = None if value is None else f"{what} is not {(world or HOST).noun}"
                raise WorldError(place.violation(spec, value, reason))
            if world is None or source is world or spec.array_type is not None:
                raise WorldError(place.violation(spec, value))
            self.border.require_passage(spec, value, world, place)
            if source is not None:
                # Before the conversion, which changes neither dtype nor shape.
                valid = self._check_array(spec, value, place, call)
                return self.border.cross(spec, valid, world, call, place, passed=value)
            given, value = value, self.border.cross(spec, value, world, call, place)
            place = place.made(given)
        passed, value = value, self._check_array(spec, value, place, call)
        home = self.home
        if call.device is None or home is None or home.is_on(value, call.device):
            if value is not passed:
                reason = f"it was cast from {dtype_name(passed.dtype)}"
                add_array(call.copies, value, find_world(value) or HOST, place, reason)
            return value
        if self.border.why_closed(home) is not None:
            reason = f"{place.it} is on {home.device(value)}, not {call.device}"
            raise DeviceError(place.violation(spec, value, reason))
        return self.border.cross(spec, value, home, call, place)

    def _check_array(self, spec: ArraySpec, value: Any, place: Place, call: Call) -> Any:
        """Check dtype and shape; return the value, cast if its dtype may change."""
        name = dtype_name(value.dtype)
        if not spec.accepts_dtype(name):
            value = self._cast(spec, value, name, place, call)
        if spec.dtype_key is not None:
            bind_dtype(spec, spec.dtype_key, value, place, call)
        if spec.axes is None:
            return value
        # The shape of a DTensor is the global one; `local=True` checks its shard's.
        local = value.to_local() if self.options.local and hasattr(value, "to_local") else value
        shape, bound = shape_of(local, spec, value, place, call), call.bound
        before = set(bound)
        mismatch = match_shape(spec.axes, shape, bound)
        if mismatch is not None:
            if is_compiling():  # again with numbers, since symbols cannot be printed
                shape = tuple([index(size) for size in shape])
                bound = {key: with_leaves(size, _as_number) for key, size in bound.items()}
                mismatch = match_shape(spec.axes, shape, bound) or mismatch
            violation = place.violation(spec, value, place.word(mismatch, call.binders))
            if is_compiling():
                step = shape_step(spec, shape, bound, find_world(value) or HOST)
                violation = violation._replace(hint=step and plain_text(step, place.name))
            raise ShapeError(violation._replace(axes=place.bound(spec, bound, call.binders)))
        call.binders.update({key: place.it for key in bound if key not in before})
        return value

    def _cast(self, spec: ArraySpec, value: Any, name: str, place: Place, call: Call) -> Any:
        target = spec.only_dtype
        if target is None or not may_cast(name, target, self.options.casting):
            reason = f"{place.it} is {name}, not {spec.dtype_label}"
            raise DTypeError(place.violation(spec, value, reason))
        if self.options.copy is False:
            reason = f"copy=False, but {place.it} is {name} and has to be cast"
            raise ConversionError(place.violation(spec, value, reason, "copy=None"))
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
                    self.border.require_passage(UNANNOTATED, each, world, place)
            return value
        if not foreign_world(value, world):
            return value
        try:
            self.border.require_passage(UNANNOTATED, value, world, place)
            return self.border.cross(UNANNOTATED, value, world, call, place)
        except BoundaryError as error:
            self._add_hint(error, UNANNOTATED, value, place, call)
            raise

    # --- annotations that a type checker checks

    def check_of(self, spec: HintSpec) -> Callable[[object], bool]:
        """Return the type checker's check of one annotation."""
        (check,) = [check for each, check in self.checks if each.hint is spec.hint][:1]
        return check

    def _validate_hint(self, spec: HintSpec, value: Any, place: Place, call: Call) -> Any:
        if spec.classes:
            if isinstance(value, spec.classes):
                return value
            raise plain_refusal(spec, value, None, place, call)
        check = self.check_of(spec)
        if not spec.arrays:
            passes = check(with_leaves(value, _as_number) if is_compiling() else value)
            if passes:
                value = self._validate_array_like(spec, value, place, call)
        else:
            home = self.home
            if home is not None and foreign_world(value, home):
                self.border.require_passage(spec, value, home, place)
                value = self.border.cross(spec, value, home, call, place)
            passes = check_in_scope(check, value, call.bound, call.leaf)
        if not passes:
            raise plain_refusal(spec, value, check, place, call)
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
        if crossed is not value:
            (check,) = [check for each, check in self.checks if each.hint is spec.hint][:1]
            if not check(crossed):
                reason = f"as {describe(crossed)} it is none"
                raise BoundaryError(place.violation(spec, value, reason))
        return crossed
