"""The call that mends a value, found by making it: a hint that was not followed is not given.

A value is taken step by step to what its boundary asks for, each step tried on the value itself.
If the last one is valid, the steps together are the hint: one call, however much was wrong. If no
step is certain to help, there is no hint, or words that say what to decide first.
"""

from __future__ import annotations

import contextlib
import functools
import re
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import numpy as np

from sekisho.contract import match_shape
from sekisho.ground import quiet
from sekisho.remedy.losses import are_same, loss_of
from sekisho.remedy.makers import evaluate_on, make_step
from sekisho.remedy.samples import Sample, take_sample
from sekisho.remedy.steps import Advice, Step, cast_step, plain_text, shape_step
from sekisho.watch import unwatched
from sekisho.worlds import (
    HOST,
    Policy,
    Refusal,
    World,
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

__all__ = ["Wanted", "find_remedy"]

_MOST_STEPS: Final = 5


class Wanted(NamedTuple):
    """What a boundary asks of a value.

    Attributes:
        world: the world that it must be of; None is either.
        crosses: whether the boundary converts a value of the other world.
        spec: dtype and axes; None asks nothing of them.
        bound: the axis sizes bound so far.
        policy: what the boundary's own conversion may do; its device is where tensors must be.
        scalars: whether a NumPy scalar is an array here.
        fits: what else a helper asks of an array.
    """

    world: World | None
    crosses: bool = True
    spec: ArraySpec | None = None
    bound: Bindings = {}  # noqa: RUF012 - never changed
    policy: Policy = Policy()
    scalars: bool = False
    fits: Callable[[Any], bool] | None = None


def find_remedy(value: Any, wanted: Wanted, instead: str | None = None) -> str | None:
    """The call that makes a value valid, ``{0}`` being the value; or words; or None.

    Args:
        value: what a boundary has refused. It is not changed.
        wanted: what the boundary asks for.
        instead: what may be done instead of a conversion that is all that is missing.
    """
    if is_compiling():
        return None
    if not runs_plainly():
        return _advice_only(value, wanted)
    steps: list[Step] = []
    seen = ""
    # The calls are ours: no strict mode watches them, and their warnings are nobody's.
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
        except Exception:  # noqa: BLE001 - a call that raises is no remedy, whatever it raises
            return None if steps else _advice_only(value, wanted)
    return _say(steps, instead, seen) if steps else None


def _looked_at(value: Any) -> Sample:
    """A value, or the part of it that is looked at.

    Raises:
        Advice: if it is large, and none can be had.
    """
    sample = take_sample(value)
    if sample is None:
        raise Advice(None)
    return sample


def _advice_only(value: Any, wanted: Wanted) -> str | None:
    """What to do first, where nothing can be tried: a transform or a mode would take part."""
    if wanted.world is not None and find_world(value) not in {None, wanted.world}:
        try:
            sample = take_sample(value)
            if sample is not None:
                convert(sample.value, wanted.world, wanted.policy)
        except Refusal as refusal:
            return refusal.hint if _is_advice(refusal.hint) else None
        except Exception:  # noqa: BLE001 - what takes part here may refuse to have a part taken
            return None
    return None


def _is_advice(hint: str | None) -> bool:
    """Whether a hint is words, or has a part that only its reader can fill in."""
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
    """What is to be done next; None if the value is valid.

    Raises:
        Advice: if nothing is certain to help.
    """
    value = sample.value
    world, spec = find_world(value), wanted.spec
    is_scalar = world is not None and world.is_scalar(value) and not wanted.scalars
    # The boundary of another world takes it for an array of no axes.
    if world is None or (is_scalar and wanted.world in {None, world}):
        if world is None and exports_memory(value) and wanted.crosses:
            # The boundary reads it itself; a step is needed only if that is not enough.
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
    """What mends dtype or axes; None if there is nothing to mend."""
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


def _last_step(value: Any, target: World, wanted: Wanted) -> Step | None:
    """What the boundary's own conversion, or move, needs first; None if nothing."""
    device = wanted.policy.device
    if find_world(value) is not target:
        return _step_before(value, target, wanted.policy)
    if device is None or target.is_on(value, device):
        return None
    if wanted.crosses:
        return _step_before(value, target, wanted.policy)
    return Step(f"{{0}}.to('{device}')", functools.partial(_moved, target, device))


def _moved(target: World, device: Any, value: Any) -> Any:
    return convert(value, target, Policy(device=device)).value


def _crossed(target: World, value: Any) -> Any:
    return convert(value, target, Policy()).value


def _crossing_step(value: Any, target: World, policy: Policy) -> Step:
    before = _step_before(value, target, Policy())
    if before is not None:
        return before
    try:  # whether the boundary itself could, if it were told to
        convert(value, target, policy)
        could = True
    except Refusal:
        could = False
    call = f"to_{target.name}({{0}})"
    return Step(call, functools.partial(_crossed, target), crosses=could)


def _step_before(value: Any, target: World, policy: Policy) -> Step | None:
    """What a value needs before it can be converted; None if nothing.

    Raises:
        Advice: if nothing is certain to help.
    """
    try:
        convert(value, target, policy)
    except Refusal as refusal:
        return _step_of(refusal, value)
    return None


def _step_of(refusal: Refusal, value: Any) -> Step:
    """The call that a refusal names.

    Raises:
        Advice: if it names none, or an option of the boundary's, or would lose a value.
    """
    hint = refusal.hint
    if hint is None or _is_advice(hint):
        raise Advice(hint)
    why, _, rest = hint.rpartition(": ")
    call, _, loses = rest.partition(", which ")
    call, _, option = call.partition(", or ")
    judged = ".astype(" in call
    call = _spelled(call, find_world(value) or HOST)
    if ".full_tensor()" in call:  # which every rank has to call: what comes of it is like this
        made = (find_world(value) or HOST).shaped_like(value, dtype_name(value.dtype))
    else:
        made = evaluate_on(call, value)
    if judged:
        loses = loses or _lost(value, made)
    loses = loses and f", which {loses}"
    return Step(call, functools.partial(_made, made), why, "", loses, option, judged=judged)


def _spelled(call: str, world: World) -> str:
    """A refusal's cast, which speaks of a NumPy array, in the words of the value's own library."""
    cast = world.spelling.get("cast", "{0}.astype('DTYPE')")
    return re.sub(r"\{0\}\.astype\('(\w+)'\)", lambda found: cast.replace("DTYPE", found[1]), call)


def _made(made: Any, _value: Any) -> Any:
    return made


def _lost(value: Any, made: Any) -> str:
    """What a cast has lost: nothing, or digits.

    Raises:
        Advice: if it is more than that.
    """
    if getattr(value.dtype, "kind", "") == "O":
        loss = None if bool(np.all(are_same(made.astype(object), value))) else "values"
    else:
        loss = loss_of(value, dtype_name(made.dtype))
    if loss not in {None, "rounds"}:
        raise Advice(None)
    return loss or ""
