"""The slow path: a value that the guard's inline question did not say yes to.

The authority on what may pass. It accepts late what the inline question was too narrow for,
converts what is foreign if the mode and the options say so, or raises an error that names
function, argument, expected, got, and the call that mends it.
"""

from __future__ import annotations

import time
import warnings
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from sekisho._annotations import ANYTHING, ArraySpec, HintSpec, UnionSpec, check_in_scope
from sekisho._axes import Bindings, Mismatch, Size, match_shape
from sekisho._contract import UNANNOTATED, Contract, Parameter, binders
from sekisho._convert import Policy, Refusal, convert, exports_memory, how_to_make, same_device
from sekisho._crossings import Crossing, caller, is_recording, record
from sekisho._hints import cast_hint, shape_hint
from sekisho._typecheck import make_checker
from sekisho.errors import (
    BoundaryError,
    ConversionError,
    CrossingWarning,
    DeviceError,
    DTypeError,
    ShapeError,
    Violation,
    WorldError,
)
from sekisho.modes import get_mode
from sekisho.worlds import (
    NUMPY,
    TORCH,
    World,
    class_of,
    describe,
    dtype_name,
    find_world,
    other_world,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["Boundary", "Call", "cross"]


class Call(NamedTuple):
    """What one call of a guarded function fixes for all its values.

    Attributes:
        bound: the axis sizes bound so far; grows.
        world: the call's world, where the annotations name none.
        device: where tensors must be; None is anywhere.
    """

    bound: Bindings
    world: World | None = None
    device: Any = None


class Boundary:
    """One place of one function where values pass: a parameter, or the result."""

    def __init__(self, contract: Contract, parameter: Parameter) -> None:
        self.contract = contract
        self.options = contract.options
        self.parameter = parameter
        self.is_result = parameter is contract.result
        # How messages and hints call the value.
        self.it = "the result" if self.is_result else f"'{parameter.name}'"
        self.name = "result" if self.is_result else parameter.name

    def admit(self, value: Any, call: Call) -> Any:
        """Return a lawful value, and bind its axes.

        Raises:
            BoundaryError: if the value may not pass.
        """
        parameter = self.parameter
        if parameter.has_default and value is parameter.default:
            return value
        if parameter.kind is parameter.kind.VAR_POSITIONAL:
            return tuple(self._admit(parameter.spec, each, call) for each in value)
        if parameter.kind is parameter.kind.VAR_KEYWORD:
            return {key: self._admit(parameter.spec, each, call) for key, each in value.items()}
        return self._admit(parameter.spec, value, call)

    def _admit(self, spec: Any, value: Any, call: Call) -> Any:
        if spec is ANYTHING:
            return value
        if spec is UNANNOTATED:
            return self._admit_unannotated(value, call)
        if isinstance(spec, ArraySpec):
            return self._admit_array(spec, value, call)
        if isinstance(spec, UnionSpec):
            return self._admit_union(spec, value, call)
        assert isinstance(spec, HintSpec)
        return self._admit_hint(spec, value, call)

    # --- what is annotated with an array

    def _admit_array(self, spec: ArraySpec, value: Any, call: Call) -> Any:
        world = spec.world or call.world
        if not spec.owns(value, call.world):
            source = find_world(value)
            scalar = world is NUMPY and issubclass(class_of(value), np.generic)
            if scalar or (source is None and not exports_memory(value)):
                raise WorldError(self._no_array(spec, value, world or NUMPY))
            if world is None or source is world or spec.array_type is not None:
                raise WorldError(self._violation(spec, value))
            self._require_passage(spec, value, world)
            if source is not None:
                # Before the conversion: bit-equal values have the same dtype and shape.
                self._check_array(spec, value, call.bound, source)
                return self._cross(spec, value, world, call.device)
            value = self._cross(spec, value, world, call.device)
        self._check_array(spec, value, call.bound, world or NUMPY)
        return self._to_device(spec, value, call)

    def _check_array(self, spec: ArraySpec, value: Any, bound: Bindings, world: World) -> None:
        name = dtype_name(value.dtype)
        if not spec.accepts_dtype(name):
            raise DTypeError(
                self._violation(
                    spec,
                    value,
                    f"{self.it} is {name}, not {spec.dtype_label}",
                    cast_hint(spec, world),
                )
            )
        if spec.axes is None:
            return
        shape = tuple(value.shape)
        mismatch = match_shape(spec.axes, shape, bound)
        if mismatch is not None:
            hint = shape_hint(spec, shape, bound)
            violation = self._violation(spec, value, self._word(mismatch, bound), hint)
            raise ShapeError(violation._replace(axes=self._bound_by(bound)))

    def _bound_by(self, bound: Bindings) -> tuple[tuple[str, Size, str], ...]:
        return tuple(
            (key, size, " or ".join(binders(self.contract, key, self.parameter.name)))
            for key, size in bound.items()
            if not key.startswith("#")
        )

    def _word(self, mismatch: Mismatch, bound: Bindings) -> str:
        text = mismatch.text.replace("{it}", self.it)
        if mismatch.key is None:
            return text
        found = binders(self.contract, mismatch.key, self.parameter.name)
        source = " or ".join(found) if mismatch.key in bound else f"{self.it} itself"
        what = "axes" if mismatch.key.startswith("*") else "axis"
        verb = "are" if what == "axes" else "is"
        return f"{what} '{mismatch.key}' {verb} {mismatch.size} (from {source}), but {text}"

    def _to_device(self, spec: ArraySpec, value: Any, call: Call) -> Any:
        device = call.device
        if device is None or not TORCH.owns(value) or same_device(value.device, device):
            return value
        if self.is_result or self._refusal_of_passage() is not None:
            reason = f"{self.it} is on {value.device}, not {device}"
            raise DeviceError(self._violation(spec, value, reason, f"{{}}.to('{device}')"))
        return self._cross(spec, value, TORCH, device)

    # --- crossing

    def _refusal_of_passage(self) -> str | None:
        """Why nothing may cross here and now; None if it may."""
        options = self.options
        if options.on_foreign == "convert":
            return None
        if options.on_foreign == "reject":
            return "on_foreign='reject' lets nothing cross here"
        if options.kind == "boundary":
            return "a boundary takes what its annotations say; on_foreign='convert' converts"
        return "mode 'strict' lets nothing cross here" if get_mode() == "strict" else None

    def _require_passage(self, spec: Any, value: Any, world: World) -> None:
        reason = self._refusal_of_passage()
        if self.is_result:
            label = "its world" if self.options.world else "the world of its arguments"
            reason = f"the function left {label}"
        if reason is not None:
            raise WorldError(self._violation(spec, value, reason, f"to_{world.name}({{}})"))

    def _cross(self, spec: Any, value: Any, target: World, device: Any) -> Any:
        options = self.options
        policy = Policy(options.copy, device, detach=options.detach, read_only=True)
        try:
            crossed = cross(value, target, policy, self.contract.function, self.parameter.place)
        except Refusal as refusal:
            violation = self._violation(spec, value, refusal.reason, refusal.hint)
            raise ConversionError(violation) from None
        if options.on_foreign is None and get_mode() == "warn":
            self._warn(value, target, crossed)
        return crossed

    def _warn(self, value: object, target: World, crossed: object) -> None:
        frame = caller()
        text = f"{self.contract.function}() {self.parameter.place}: {describe(value)} crossed to "
        text += describe(crossed) if find_world(value) is target else target.label
        warnings.warn_explicit(
            f"{text}.",
            CrossingWarning,
            frame.f_code.co_filename,
            frame.f_lineno,
            registry=frame.f_globals.setdefault("__warningregistry__", {}),
        )

    # --- everything else

    def _admit_unannotated(self, value: Any, call: Call) -> Any:
        world = self.options.world or call.world
        assert world is not None  # a boundary asks nothing of what it does not annotate
        foreign = other_world(world)
        if issubclass(class_of(value), (dict, list, tuple)):
            if get_mode() == "strict":
                for each in _items(value):
                    if foreign.owns(each):
                        self._require_passage(UNANNOTATED, each, world)
            return value
        if not isinstance(value, foreign.array_type() or ()):
            return value
        self._require_passage(UNANNOTATED, value, world)
        return self._cross(UNANNOTATED, value, world, call.device)

    def _admit_union(self, spec: UnionSpec, value: Any, call: Call) -> Any:
        errors: list[BoundaryError] = []
        for alternative in spec.alternatives:
            # What needs no conversion first, in whatever order the union names it.
            owns = not isinstance(alternative, ArraySpec) or alternative.owns(value, call.world)
            if owns:
                try:
                    return self._admit(alternative, value, call)
                except BoundaryError as error:
                    errors.append(error)
        for alternative in spec.alternatives:
            if isinstance(alternative, ArraySpec) and not alternative.owns(value, call.world):
                try:
                    return self._admit(alternative, value, call)
                except BoundaryError as error:
                    errors.append(error)
        return self._raise_best(spec, value, errors)

    def _raise_best(self, spec: UnionSpec, value: object, errors: list[BoundaryError]) -> Any:
        """Raise the error of the one alternative that was meant, worded for the whole union."""
        meant = [each for each in errors if each.violation and each.violation.reason]
        if len(meant) == 1 and meant[0].violation is not None:
            raise type(meant[0])(meant[0].violation._replace(expected=spec.text))
        kind = WorldError if find_world(value) is None else BoundaryError
        raise kind(self._violation(spec, value))

    def _admit_hint(self, spec: HintSpec, value: Any, call: Call) -> Any:
        if spec.classes and isinstance(value, spec.classes):
            return value
        check = make_checker(spec.hint, self.options.typechecker or "beartype")
        passes = check_in_scope(check, value, call.bound) if spec.arrays else check(value)
        if not passes:
            raise BoundaryError(self._violation(spec, value))
        return value

    # --- words

    def _violation(
        self, spec: Any, value: object, reason: str | None = None, hint: str | None = None
    ) -> Violation:
        return Violation(
            self.contract.function,
            self.parameter.place,
            spec.text,
            describe(value),
            reason,
            hint=hint and hint.format(self.name),
        )

    def _no_array(self, spec: ArraySpec, value: object, world: World) -> Violation:
        hint = how_to_make(value, world)
        is_scalar = issubclass(class_of(value), np.generic)
        what = "a NumPy scalar" if is_scalar else describe(value)
        reason = None if value is None else f"{what} is not {world.noun}"
        return self._violation(spec, value, reason, hint)


def cross(value: Any, target: World, policy: Policy, function: str, place: str) -> Any:
    """Convert a value and log the crossing.

    Raises:
        Refusal: if no lossless conversion exists.
    """
    if not is_recording():
        return convert(value, target, policy).value
    start = time.perf_counter()
    converted = convert(value, target, policy)
    seconds = time.perf_counter() - start
    crossed = converted.value
    source = find_world(value) or NUMPY
    if source is target and crossed is value:
        return crossed
    frame = caller()
    record(
        Crossing(
            function,
            place,
            source.name,
            target.name,
            dtype_name(crossed.dtype),
            tuple(crossed.shape),
            str(getattr(value, "device", "cpu")),
            str(getattr(crossed, "device", "cpu")),
            crossed.nbytes,
            converted.copied,
            seconds,
            frame.f_code.co_filename,
            frame.f_lineno,
        )
    )
    return crossed


def _items(container: Any) -> Iterator[Any]:
    """Everything inside nested dicts, lists and tuples."""
    seen: set[int] = set()
    waiting: list[Any] = [container]
    while waiting:
        value = waiting.pop()
        if issubclass(class_of(value), (dict, list, tuple)):
            if id(value) not in seen:
                seen.add(id(value))
                waiting.extend(value.values() if hasattr(value, "values") else value)
        else:
            yield value
