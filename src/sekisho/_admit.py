"""The slow path: a value that the guard's inline question did not say yes to.

The authority on what may pass. It accepts late what the inline question was too narrow for,
converts what is foreign if the mode and the options say so, or raises an error that names
function, argument, expected, got, and the call that mends it.
"""

from __future__ import annotations

from operator import index
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from sekisho._annotations import check_in_scope
from sekisho._axes import Bindings, match_shape
from sekisho._casting import cast, may_cast
from sekisho._containers import (
    flatten,
    iterate_checked,
    with_fields,
    with_items,
    with_leaves,
    with_values,
)
from sekisho._contract import UNANNOTATED, Contract, Parameter
from sekisho._convert import exports_memory, how_to_make, same_device
from sekisho._cross import Border
from sekisho._hints import cast_hint, shape_hint
from sekisho._options import Options
from sekisho._specs import (
    ANYTHING,
    ArraySpec,
    HintSpec,
    IterableSpec,
    MappingSpec,
    RecordSpec,
    TupleSpec,
    UnionSpec,
    walk,
)
from sekisho._typecheck import make_checker
from sekisho._violations import Place
from sekisho.errors import (
    BoundaryError,
    ConversionError,
    DeviceError,
    DTypeError,
    ShapeError,
    WorldError,
    hide_in_pytest,
)
from sekisho.modes import get_mode
from sekisho.worlds import (
    NUMPY,
    TORCH,
    World,
    array_class,
    class_of,
    describe,
    dtype_name,
    find_world,
    is_compiling,
    other_world,
    short,
)

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["Boundary", "Call", "call_reader"]

__tracebackhide__ = hide_in_pytest


class Call(NamedTuple):
    """What one call of a guarded function fixes for all its values.

    Attributes:
        bound: the axis sizes bound so far; grows.
        world: the call's world, where the annotations name none.
        device: where tensors must be; None is anywhere.
        binders: which item of the value at hand bound an axis; grows.
    """

    bound: Bindings
    world: World | None
    device: Any
    binders: dict[str, str]


def call_reader(options: Options, knows: tuple[str, ...]) -> Callable[[tuple[Any, ...]], Call]:
    """Make the function that reads what a guard passes beside a value: context, then sizes."""
    same_world, module = options.kind == "same_world", options.device == "module"
    context = same_world + module
    fixed_device = None if module else options.device

    def read(arguments: tuple[Any, ...]) -> Call:
        sizes = zip(knows, arguments[context:], strict=True)
        bound = {key: size for key, size in sizes if size is not None}
        world, device = options.world, fixed_device
        if same_world:
            world = NUMPY if arguments[0] is array_class(NUMPY) else TORCH
        elif module:
            device = arguments[0]
        return Call(bound, world, device, {})

    return read


def _as_number(value: Any) -> Any:
    """An integer that a compiler has made a symbol, as the number that it is."""
    return index(value) if class_of(value) is int else value


class Boundary:
    """One place of one function where values pass: a parameter, or the result."""

    def __init__(self, contract: Contract, parameter: Parameter, *, is_result: bool) -> None:
        self.options = contract.options
        self.parameter = parameter
        self.border = Border(contract, is_result=is_result)
        self.root = Place(contract, parameter)
        # Made here, not when they are needed: a compiler that traces a call can make none.
        self.checks = [
            (each, make_checker(each.hint, contract.options.typechecker or "beartype"))
            for each in walk(parameter.spec)
            if isinstance(each, HintSpec) and not each.classes
        ]

    def admit(self, value: Any, call: Call, place: Place | None = None) -> Any:
        """Return a lawful value, and bind its axes.

        Raises:
            BoundaryError: if the value may not pass.
        """
        parameter = self.parameter
        place = place or self.root
        if parameter.has_default and value is parameter.default:
            return value
        if parameter.kind is parameter.kind.VAR_POSITIONAL:
            return tuple(
                self._admit(parameter.spec, each, place.inside(f"[{i}]"), call)
                for i, each in enumerate(value)
            )
        if parameter.kind is parameter.kind.VAR_KEYWORD:
            return {
                key: self._admit(parameter.spec, each, place.item(key), call)
                for key, each in value.items()
            }
        return self._admit(parameter.spec, value, place, call)

    def _admit(self, spec: Any, value: Any, place: Place, call: Call) -> Any:
        if spec is ANYTHING:
            return value
        if spec is UNANNOTATED:
            return self._admit_unannotated(value, place, call)
        if isinstance(spec, ArraySpec):
            return self._admit_array(spec, value, place, call)
        if isinstance(spec, HintSpec):
            return self._admit_hint(spec, value, place, call)
        if isinstance(spec, UnionSpec):
            return self._admit_union(spec, value, place, call)
        return self._admit_container(spec, value, place, call)

    # --- arrays

    def _admit_array(self, spec: ArraySpec, value: Any, place: Place, call: Call) -> Any:
        world = spec.world or call.world
        if not spec.owns(value, call.world):
            source = find_world(value)
            scalar = world is NUMPY and issubclass(class_of(value), np.generic)
            if scalar or (source is None and not exports_memory(value)):
                what = "a NumPy scalar" if scalar else describe(value)
                reason = None if value is None else f"{what} is not {(world or NUMPY).noun}"
                hint = how_to_make(value, world or NUMPY)
                raise WorldError(place.violation(spec, value, reason, hint))
            if world is None or source is world or spec.array_type is not None:
                raise WorldError(place.violation(spec, value))
            self.border.require_passage(spec, value, world, place)
            if source is not None:
                # Before the conversion: bit-equal values have the same dtype and shape.
                lawful = self._check_array(spec, value, place, call)
                return self.border.cross(spec, lawful, world, call.device, place, passed=value)
            given, value = value, self.border.cross(spec, value, world, call.device, place)
            place = place.made(given, world)
        value = self._check_array(spec, value, place, call)
        if call.device is None or not TORCH.owns(value) or same_device(value.device, call.device):
            return value
        if self.border.why_closed(TORCH) is not None:
            reason = f"{place.it} is on {value.device}, not {call.device}"
            hint = f"{{}}.to('{call.device}')"
            raise DeviceError(place.violation(spec, value, reason, hint))
        return self.border.cross(spec, value, TORCH, call.device, place)

    def _check_array(self, spec: ArraySpec, value: Any, place: Place, call: Call) -> Any:
        """Check dtype and shape. Returns the value, cast if its dtype may change."""
        name = dtype_name(value.dtype)
        if not spec.accepts_dtype(name):
            value = self._cast(spec, value, name, place)
        if spec.axes is None:
            return value
        # A DTensor's shape is the global one; its shard's is asked for where that is meant.
        local = value.to_local() if self.options.local and hasattr(value, "to_local") else value
        shape, bound = tuple(local.shape), call.bound
        before = set(bound)
        mismatch = match_shape(spec.axes, shape, bound)
        if mismatch is not None:
            if is_compiling():  # once more with numbers: no words can be made of symbols
                shape = tuple([index(size) for size in shape])
                bound = {key: with_leaves(size, _as_number) for key, size in bound.items()}
                mismatch = match_shape(spec.axes, shape, bound) or mismatch
            hint = shape_hint(spec, shape, bound, find_world(value) or NUMPY)
            violation = place.violation(spec, value, place.word(mismatch, call.binders), hint)
            raise ShapeError(violation._replace(axes=place.bound(spec, bound, call.binders)))
        call.binders.update(dict.fromkeys(bound.keys() - before, place.it))
        return value

    def _cast(self, spec: ArraySpec, value: Any, name: str, place: Place) -> Any:
        target = spec.only_dtype
        if target is None or not may_cast(name, target, self.options.casting):
            reason = f"{place.it} is {name}, not {spec.dtype_label}"
            hint = cast_hint(spec, find_world(value) or NUMPY)
            raise DTypeError(place.violation(spec, value, reason, hint))
        if self.options.copy is False:
            reason = f"copy=False, but {place.it} is {name} and has to be cast"
            raise ConversionError(place.violation(spec, value, reason, "copy=None"))
        return cast(value, target)

    def _admit_unannotated(self, value: Any, place: Place, call: Call) -> Any:
        world = self.options.world or call.world
        assert world is not None  # a boundary asks nothing of what it does not annotate
        foreign = other_world(world)
        if issubclass(class_of(value), (dict, list, tuple)):
            for each in flatten(value) if get_mode() == "strict" else ():
                if foreign.owns(each):
                    self.border.require_passage(UNANNOTATED, each, world, place)
            return value
        if not isinstance(value, foreign.array_type() or ()):
            return value
        self.border.require_passage(UNANNOTATED, value, world, place)
        return self.border.cross(UNANNOTATED, value, world, call.device, place)

    # --- unions, and what a type checker answers for

    def _admit_union(self, spec: UnionSpec, value: Any, place: Place, call: Call) -> Any:
        errors: list[BoundaryError] = []
        before = dict(call.bound)
        # What needs no conversion first, in whatever order the union names it.
        needs_none = [
            not isinstance(each, ArraySpec) or each.owns(value, call.world)
            for each in spec.alternatives
        ]
        for turn in (True, False):
            for alternative, at_home in zip(spec.alternatives, needs_none, strict=True):
                if at_home is turn:
                    try:
                        return self._admit(alternative, value, place, call)
                    except BoundaryError as error:
                        errors.append(error)
                        call.bound.clear()
                        call.bound.update(before)
        # If only one alternative was meant, its reason is the reason.
        meant = [each for each in errors if each.violation and each.violation.reason]
        if len(meant) == 1 and meant[0].violation is not None:
            violation = meant[0].violation
            same_place = violation.place == place.place
            raise type(meant[0])(
                violation._replace(expected=spec.text) if same_place else violation
            )
        kind = WorldError if find_world(value) is None else BoundaryError
        raise kind(place.violation(spec, value))

    def _admit_hint(self, spec: HintSpec, value: Any, place: Place, call: Call) -> Any:
        if spec.classes:
            if isinstance(value, spec.classes):
                return value
            raise BoundaryError(place.violation(spec, value))
        check = next(check for each, check in self.checks if each is spec)
        if not spec.arrays:
            passes = check(with_leaves(value, _as_number) if is_compiling() else value)
        else:
            home = self.options.world
            if home is not None and other_world(home).owns(value):
                self.border.require_passage(spec, value, home, place)
                value = self.border.cross(spec, value, home, call.device, place)
            passes = check_in_scope(check, value, call.bound)
        if not passes:
            raise BoundaryError(place.violation(spec, value))
        return value

    # --- containers

    def _admit_container(self, spec: Any, value: Any, place: Place, call: Call) -> Any:
        kind = class_of(value)
        admit: Any  # each takes the kind of spec that it is for
        if isinstance(spec, TupleSpec):
            fits, admit = issubclass(kind, tuple), self._admit_tuple
        elif isinstance(spec, MappingSpec):
            fits, admit = isinstance(value, spec.container), self._admit_mapping
        elif isinstance(spec, RecordSpec):
            # isinstance knows no TypedDict.
            fits, admit = issubclass(kind, dict if spec.is_dict else spec.kind), self._admit_record
        elif isinstance(spec, IterableSpec):
            fits, admit = isinstance(value, spec.container), self._admit_iterable
        else:
            fits, admit = isinstance(value, spec.container), self._admit_sequence
        if not fits or issubclass(kind, (str, bytes)):
            raise BoundaryError(place.violation(spec, value))
        return admit(spec, value, place, call)

    def _admit_sequence(self, spec: Any, value: Any, place: Place, call: Call) -> Any:
        items = [
            self._admit(spec.item, item, place.inside(f"[{i}]"), call)
            for i, item in enumerate(value)
        ]
        return with_items(value, items)

    def _admit_tuple(self, spec: TupleSpec, value: Any, place: Place, call: Call) -> Any:
        if len(value) != len(spec.items):
            reason = f"{place.it} has {len(value)} items, not {len(spec.items)}"
            raise BoundaryError(place.violation(spec, value, reason))
        items = [
            self._admit(each, item, place.inside(f"[{i}]"), call)
            for i, (each, item) in enumerate(zip(spec.items, value, strict=True))
        ]
        return with_items(value, items)

    def _admit_mapping(self, spec: MappingSpec, value: Any, place: Place, call: Call) -> Any:
        values: dict[Any, Any] = {}
        for key, item in value.items():
            inside = place.item(key)
            try:
                self._admit(spec.key, key, inside, call)
            except BoundaryError:
                reason = f"the key {short(key)} is {describe(key)}, not {spec.key.text}"
                raise BoundaryError(place.violation(spec, value, reason)) from None
            values[key] = self._admit(spec.value, item, inside, call)
        return with_values(value, values)

    def _admit_record(self, spec: RecordSpec, value: Any, place: Place, call: Call) -> Any:
        if spec.is_dict:
            missing = sorted(spec.required - value.keys())
            extra = sorted(map(str, value.keys() - spec.fields.keys()))
            if missing or extra:
                what = f"no key {missing[0]!r}" if missing else f"a key {extra[0]!r} too many"
                raise BoundaryError(place.violation(spec, value, f"{place.it} has {what}"))
            given = dict(value)
        else:
            given = {name: getattr(value, name) for name in spec.fields if hasattr(value, name)}
        form = "[{!r}]" if spec.is_dict else ".{}"
        fields = {
            name: self._admit(each, given[name], place.inside(form.format(name)), call)
            for name, each in spec.fields.items()
            if name in given
        }
        return with_fields(value, fields)

    def _admit_iterable(self, spec: IterableSpec, value: Any, place: Place, call: Call) -> Any:
        kind = class_of(value)
        if issubclass(kind, (list, tuple)):
            return self._admit_sequence(spec, value, place, call)
        if not hasattr(kind, "__next__") and not hasattr(kind, "__anext__"):
            return value  # may be iterated again, by whoever it belongs to
        # One pass is all there is: its items are checked as they are taken.
        bound = dict(call.bound)

        def check(index: int, item: Any) -> Any:
            fresh = call._replace(bound=dict(bound), binders={})
            return self._admit(spec.item, item, place.inside(f"[{index}]"), fresh)

        return iterate_checked(value, check)
