"""Find a hint by applying calls to the refused value until it is valid.

Each step is tried on the value itself. If the result of the last one is valid, the steps together
are the hint: one call, however many things were wrong. If no step is certain to help, there is no
hint, or a text that says what to decide first.
"""

from __future__ import annotations

import contextlib
import functools
import re
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import numpy as np

from sekisho.contract import match_shape
from sekisho.hints.losses import are_same, loss_of
from sekisho.hints.makers import evaluate_on, make_step
from sekisho.hints.samples import Sample, take_sample
from sekisho.hints.steps import Advice, Step, cast_step, plain_text, shape_step
from sekisho.monitor import unwatched
from sekisho.utils import quiet
from sekisho.worlds import (
    HOST,
    Library,
    Policy,
    Refusal,
    convert,
    dtype_name,
    exports_memory,
    find_world,
    is_compiling,
    runs_plainly,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from sekisho.contract import ArraySpec, Bindings

__all__ = ["Wanted", "find_hint"]

_MOST_STEPS: Final = 5


class Wanted(NamedTuple):
    """What a boundary requires of a value.

    Attributes:
        world: the required world; None for any.
        crosses: whether the boundary converts foreign values itself.
        spec: the required dtype and axes; None for any.
        bound: the axis sizes bound so far.
        policy: what the boundary's own conversion may do, with the required device.
        scalars: whether NumPy scalars count as arrays.
        fits: a further requirement of a helper.
    """

    world: Library | None
    crosses: bool = True
    spec: ArraySpec | None = None
    bound: Bindings = {}  # noqa: RUF012 - never mutated
    policy: Policy = Policy()
    scalars: bool = False
    fits: Callable[[Any], bool] | None = None


def find_hint(value: Any, wanted: Wanted, instead: str | None = None) -> str | None:
    """Return a call that makes a value valid, with ``{0}`` for the value; or words; or None.

    Args:
        value: the value that a boundary has refused. It is not changed.
        wanted: the boundary's requirements.
        instead: an alternative to mention if only a conversion is missing.
    """
    if is_compiling():
        return None
    if not runs_plainly():
        return _advice_only(value, wanted)
    steps: list[Step] = []
    seen = ""
    # These calls are sekisho's: strict mode must not judge them, and their warnings are noise.
    with unwatched(), quiet():
        try:
            sample = _looked_at(value)
            while (step := _next_step(sample, wanted)) is not None:
                if len(steps) == _MOST_STEPS:
                    return None
                steps.append(step)
                sample = sample.after(step)
            seen = sample.seen
        except Advice as advice:
            return advice.args[0] if not steps else None
        except Exception:  # noqa: BLE001 - a call that raises is not a hint, whatever the error
            return None if steps else _advice_only(value, wanted)
    return _say(steps, instead, seen) if steps else None


def _looked_at(value: Any) -> Sample:
    """Return a sample of the value.

    Raises:
        Advice: if the value is large and cannot be sampled.
    """
    sample = take_sample(value)
    if sample is None:
        raise Advice(None)
    return sample


def _advice_only(value: Any, wanted: Wanted) -> str | None:
    """Return words about what to do first, when nothing can be tried in a transform or mode."""
    if wanted.world is not None and find_world(value) not in {None, wanted.world}:
        try:
            sample = take_sample(value)
            if sample is not None:
                convert(sample.value, wanted.world, wanted.policy)
        except Refusal as refusal:
            return refusal.hint if _is_advice(refusal.hint) else None
        except Exception:  # noqa: BLE001 - the transform or mode may refuse to take a sample
            return None
    return None


def _is_advice(hint: str | None) -> bool:
    """Return whether a hint is words, or has a part that only the reader can fill in."""
    return hint is None or "{0}" not in hint or "..." in hint


def _say(steps: list[Step], instead: str | None, seen: str) -> str:
    call, loses = "{0}", ""
    for step in steps:
        call = step.call.format(call)
        loses += step.loses
    if len(steps) == 1 and steps[0].beside:
        return plain_text(steps[0], "{0}")
    why = next((f"{step.why}: " for step in steps if step.why and not step.beside), "")
    if len(steps) == 1:
        other = steps[0].option or (instead if steps[0].crosses else None)
        call += f", or {other}" if other else ""
    judged = f" ({seen})" if seen and any(step.judged for step in steps) else ""
    return f"{why}{call}{loses}{judged}"


def _next_step(sample: Sample, wanted: Wanted) -> Step | None:
    """Return the next step, or None if the value is valid.

    Raises:
        Advice: if nothing is certain to help.
    """
    value = sample.value
    world, spec = find_world(value), wanted.spec
    is_scalar = world is not None and world.is_scalar(value) and not wanted.scalars
    # The boundary of another world converts a scalar to an array without axes.
    if world is None or (is_scalar and wanted.world in {None, world}):
        if world is None and exports_memory(value) and wanted.crosses:
            # The boundary converts it itself; a step is only needed if the result is not valid.
            read = convert(value, HOST, Policy()).value
            with contextlib.suppress(Advice):
                if _next_step(sample._replace(value=read), wanted) is None:
                    return None
        return make_step(sample, wanted.world, spec, wanted.bound, reads=wanted.crosses)
    target = wanted.world or world
    if world is not target and not wanted.crosses:
        return _crossing_step(value, target, wanted.policy)
    return _array_step(sample, wanted) or _last_step(value, target, wanted)


def _array_step(sample: Sample, wanted: Wanted) -> Step | None:
    """Return the step that fixes dtype or axes; None if both are valid."""
    value, spec = sample.value, wanted.spec
    if spec is not None:
        if not spec.accepts_dtype(dtype_name(value.dtype)):
            return cast_step(spec, value)
        shape, world = sample.shape(value), find_world(value)
        if sample.is_mended or spec.axes is None:
            pass
        elif match_shape(spec.axes, shape, dict(wanted.bound)) is not None:
            step = shape_step(spec, shape, wanted.bound, world or HOST)
            if step is None:
                raise Advice(None)
            return step
    if wanted.fits is not None and not wanted.fits(value):
        raise Advice(None)
    return None


def _last_step(value: Any, target: Library, wanted: Wanted) -> Step | None:
    """Return the step that the boundary's own conversion or move needs first; None if none."""
    device = wanted.policy.device
    if find_world(value) is not target:
        return _step_before(value, target, wanted.policy)
    if device is None or target.is_on(value, device):
        return None
    if wanted.crosses:
        return _step_before(value, target, wanted.policy)
    return Step(f"{{0}}.to('{device}')", functools.partial(_moved, target, device))


def _moved(target: Library, device: Any, value: Any) -> Any:
    return convert(value, target, Policy(device=device)).value


def _crossed(target: Library, value: Any) -> Any:
    return convert(value, target, Policy()).value


def _crossing_step(value: Any, target: Library, policy: Policy) -> Step:
    before = _step_before(value, target, Policy())
    if before is not None:
        return before
    try:  # would the boundary's option for conversion be enough?
        convert(value, target, policy)
        could = True
    except Refusal:
        could = False
    call = f"to_{target.name}({{0}})"
    return Step(call, functools.partial(_crossed, target), crosses=could)


def _step_before(value: Any, target: Library, policy: Policy) -> Step | None:
    """Return the step that a value needs before it can be converted; None if none.

    Raises:
        Advice: if nothing is certain to help.
    """
    try:
        convert(value, target, policy)
    except Refusal as refusal:
        return _step_of(refusal, value)
    return None


def _step_of(refusal: Refusal, value: Any) -> Step:
    """Return the call that a refusal suggests, as a step.

    Raises:
        Advice: if it suggests none or only an option of the boundary, or the call loses values.
    """
    hint = refusal.hint
    if hint is None or _is_advice(hint):
        raise Advice(hint)
    why, _, rest = hint.rpartition(": ")
    call, _, loses = rest.partition(", which ")
    call, _, option = call.partition(", or ")
    judged = ".astype(" in call
    call = _spelled(call, find_world(value) or HOST)
    if ".full_tensor()" in call:  # every rank would have to call it, so use a stand-in
        made = (find_world(value) or HOST).shaped_like(value, dtype_name(value.dtype))
    else:
        made = evaluate_on(call, value)
    if judged:
        loses = loses or _lost(value, made)
    loses = loses and f", which {loses}"
    return Step(call, functools.partial(_made, made), why, "", loses, option, judged=judged)


def _spelled(call: str, world: Library) -> str:
    """Rewrite a refusal's NumPy cast in the words of the value's own library."""
    cast = world.spelling.get("cast", "{0}.astype('DTYPE')")
    return re.sub(r"\{0\}\.astype\('(\w+)'\)", lambda found: cast.replace("DTYPE", found[1]), call)


def _made(made: Any, _value: Any) -> Any:
    return made


def _lost(value: Any, made: Any) -> str:
    """Return what a cast has lost: nothing or ``"rounds"``.

    Raises:
        Advice: if it has lost more.
    """
    if getattr(value.dtype, "kind", "") == "O":
        loss = None if bool(np.all(are_same(made.astype(object), value))) else "values"
    else:
        loss = loss_of(value, dtype_name(made.dtype))
    if loss not in {None, "rounds"}:
        raise Advice(None)
    return loss or ""
