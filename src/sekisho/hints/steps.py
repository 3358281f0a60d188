"""Steps that make a value valid: calls that are tried before they are suggested.

A step is made for the actual value. Whether a cast keeps every value is checked with the values,
never concluded from the dtypes alone. If it does not, the step says what is lost, or there is no
step but an `Advice`: words, and no call that a user could follow blindly.

A hint shows a helper's name together with the library's own code, for readers who know ``x[None]``
better than ``add_batch_dim(x)``. In every text, ``{0}`` stands for the value.
"""

from __future__ import annotations

import contextlib
from functools import partial
from itertools import combinations
from operator import attrgetter, itemgetter
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import numpy as np

from sekisho.contract import Axis, Bindings, match_shape
from sekisho.hints.losses import are_same, loss_of
from sekisho.utils import evaluate
from sekisho.worlds import HOST, Library, cast, dtype_name, find_world, may_cast

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from sekisho.contract import ArraySpec

    _Fits = Callable[[tuple[int, ...]], bool]

__all__ = ["Advice", "Step", "cast_step", "plain_text", "shape_step"]


class Step(NamedTuple):
    """One call that brings a value closer to the requirements.

    Attributes:
        call: the call as text.
        do: a function that performs the call.
        why: what is wrong, shown before the call; empty if the call makes it obvious.
        beside: the same call in the library's own words, shown after it.
        loses: what the call loses, shown after it.
        option: an alternative to mention if this is the only step.
        crosses: whether the step is the conversion to the other world.
        judged: whether `loses` depends on the values that were looked at.
        mends_axes: whether the axes are valid after this step.
    """

    call: str
    do: Callable[[Any], Any]
    why: str = ""
    beside: str = ""
    loses: str = ""
    option: str = ""
    crosses: bool = False
    judged: bool = False
    mends_axes: bool = False


class Advice(Exception):  # noqa: N818 - not an error but the end of the search
    """No call is certain to help. The argument is a text that does, or None."""


def plain_text(step: Step, name: str) -> str:
    """Return a step as the text of a hint, with `name` for the value."""
    text = f"{step.why}: {step.call}" if step.why else step.call
    text += f", which is {step.beside}" if step.beside else step.loses
    return text.format(name)


# --- dtypes ------------------------------------------------------------------------------------

_ADVICE: Final = {
    "holds NaN": "it holds NaN or infinity, which {target} cannot: replace them first",
    "range": "some values are outside of what {target} holds: scale or clip them first",
    "tiny": "some values are too small for {target}: scale them first",
    "bool": "some values are neither 0 nor 1: compare first, as in {{0}} > 0",
    "complex": "it has an imaginary part, which {target} has not: take {{0}}.real or abs({{0}}) first",
}


def cast_step(spec: ArraySpec, value: Any) -> Step:
    """Return the cast to the only dtype that the annotation allows, if it keeps every value.

    Raises:
        Advice: if the annotation allows several dtypes, or a value would be lost.
    """
    target = spec.only_dtype
    source, spelling = dtype_name(value.dtype), _world(value).spelling
    cast_call = spelling.get("cast", "{0}.astype('DTYPE')")
    if target is None:
        return _float_step(spec, value, cast_call)
    call = cast_call.replace("DTYPE", target)
    if may_cast(source, target, "safe"):
        return Step(call, partial(_cast, target))
    if source == "object_":
        return _object_step(value, target)
    # The dtypes alone do not guarantee it, so check the values.
    loss = loss_of(value, target)
    is_complex = source.startswith(("complex", "clongdouble"))
    if loss != "complex" and is_complex and not target.startswith("complex"):
        return Step(
            "{0}.real", attrgetter("real"), judged=True
        )  # its imaginary part is zero; a cast may follow
    if loss is None or loss == "rounds":
        return Step(
            call, partial(_cast, target), loses=", which rounds" if loss else "", judged=True
        )
    if loss in {"image", "fraction"}:
        scaled = "{0} * 255" if loss == "image" else "{0}"
        if "round" not in spelling:
            raise Advice(None)
        whole = spelling["round"].replace("{0}", scaled)
        why = (
            "its values are in [0, 1]: scale and round first"
            if loss == "image"
            else "its values are not whole numbers: round first"
        )
        return Step(call.replace("{0}", whole), partial(_rounded, target, loss), why, judged=True)
    advice = _ADVICE.get(loss)
    raise Advice(advice and advice.format(target=target))


def _float_step(spec: ArraySpec, value: Any, call: str) -> Step:
    """Return the cast of integers or bools for an annotation of floats: to the smaller dtype that holds them.

    Raises:
        Advice: for other dtypes, where any of several may be meant.
    """
    source = dtype_name(value.dtype)
    takes_floats = any(map(spec.accepts_dtype, ("float32", "float64")))
    if source.startswith("complex") and takes_floats:
        if loss_of(value, "float64") == "complex":
            raise Advice(_ADVICE["complex"].format(target="Float"))
        return Step("{0}.real", attrgetter("real"), judged=True)
    word = "Bool" if source == "bool" else "Int" if source.startswith(("int", "uint")) else ""
    if word:
        for target in ("float32", "float64"):
            if spec.accepts_dtype(target) and loss_of(value, target) is None:
                do = partial(_cast, target)
                option = f"{word} in the annotation"
                return Step(call.replace("DTYPE", target), do, option=option, judged=True)
    raise Advice(None)


def _object_step(value: Any, target: str) -> Step:
    """Return the cast for numbers in an array of Python objects, if the dtype holds them exactly.

    Raises:
        Advice: if some objects are not numbers or would change.
    """
    first = value.flat[0] if value.size else None
    if find_world(first) is not None and not value.shape[1:]:
        raise Advice("it holds arrays: join those of one shape, as in numpy.stack(list({0}))")
    with contextlib.suppress(Exception):  # an object that is not a number may raise anything
        if bool(np.all(are_same(value.astype(target).astype(object), value))):
            return Step(f"{{0}}.astype('{target}')", partial(_cast, target), judged=True)
    raise Advice(f"it holds Python objects, which are not all numbers that {target} holds")


def _cast(target: str, value: Any) -> Any:
    return cast(value, target)


def _rounded(target: str, loss: str, value: Any) -> Any:
    scaled = value * 255 if loss == "image" else value
    return cast(_world(value).round(scaled), target)


def _world(value: Any) -> Library:
    return find_world(value) or HOST


# --- axes --------------------------------------------------------------------------------------


def _move_axis(source: int, destination: int, value: Any) -> Any:
    return _world(value).moveaxis(value, source, destination)


_IMAGE_AXES = (3, 4)
"""Numbers of dimensions of one image, or a batch of images, whose channel axis may be misplaced."""

_HELPERS: Final[dict[str, tuple[str, str, Callable[[Any], Any]]]] = {
    "add_batch_dim": ("the batch axis is missing", "", itemgetter(None)),
    "add_one": ("an axis of size 1 in front is missing", "add_batch_dim({0})", itemgetter(None)),
    "remove_batch_dim": ("there is a batch axis of size 1 too many", "", itemgetter(0)),
    "expand_last": (
        "a last axis of size 1 is missing",
        "expand_dims({0}, -1)",
        itemgetter((..., None)),
    ),
    "squeeze_last": (
        "there is a last axis of size 1 too many",
        "squeeze({0}, -1)",
        itemgetter((..., 0)),
    ),
    "transpose2d": ("the two axes look transposed", "", attrgetter("T")),
    "channels_first": ("the channels look last", "", partial(_move_axis, -1, -3)),
    "channels_last": ("the channels look first", "", partial(_move_axis, -3, -1)),
}
"""What each helper fixes, its call if not ``name({0})``, and a function that does the same."""


def shape_step(
    spec: ArraySpec, shape: tuple[int, ...], bound: Bindings, world: Library
) -> Step | None:
    """Return the step that gives an array of `world` the declared shape, or None."""
    axes = spec.axes
    if axes is None or any(axis.variadic for axis in axes):
        return None

    def fits(candidate: tuple[int, ...]) -> bool:
        return match_shape(axes, candidate, dict(bound)) is None

    helper, rank = None, len(axes)
    if len(shape) == rank - 1:
        helper = _helper_for_missing(axes, shape, bound, fits)
    elif len(shape) == rank + 1:
        helper = _helper_for_extra(shape, fits)
    elif len(shape) == rank == 2 and fits(shape[::-1]):  # noqa: PLR2004 - a matrix
        helper = "transpose2d"
    elif len(shape) == rank and rank in _IMAGE_AXES:
        first = _is_channel(axes[-3]) and fits((*shape[:-3], shape[-1], *shape[-3:-1]))
        last = _is_channel(axes[-1]) and fits((*shape[:-3], *shape[-2:], shape[-3]))
        # If both would fit, it is not clear which is meant.
        if first is not last:
            helper = "channels_first" if first else "channels_last"
    if helper is None:
        step = _colour_step(axes, shape, fits, world)
        if step is None and len(shape) == rank:
            step = _swap_step(axes, shape, bound, fits, world)
        return step
    why, call, do = _HELPERS[helper]
    spelling = "add_batch_dim" if helper == "add_one" else helper
    beside = world.spelling.get(spelling, "")
    return Step(call or f"{helper}({{0}})", do, why, beside, mends_axes=True)


def _helper_for_missing(
    axes: Sequence[Axis], shape: tuple[int, ...], bound: Bindings, fits: _Fits
) -> str | None:
    """Return the helper that adds the missing axis, if its size is 1 or it is a batch axis."""
    if fits((1, *shape)):
        if _is_one(axes[0], bound):
            return "add_one"
        if len(axes) > 1 and _is_batch(axes[0]):
            return "add_batch_dim"
    return "expand_last" if _is_one(axes[-1], bound) and fits((*shape, 1)) else None


def _helper_for_extra(shape: tuple[int, ...], fits: _Fits) -> str | None:
    if shape[0] == 1 and fits(shape[1:]):
        return "remove_batch_dim"
    return "squeeze_last" if shape[-1] == 1 and fits(shape[:-1]) else None


def _is_batch(axis: Axis) -> bool:
    name = (axis.name or "").lower()
    return name in {"b", "n", "bs", "bsz"} or "batch" in name


def _is_one(axis: Axis, bound: Bindings) -> bool:
    return axis.size == 1 or (axis.key in bound and bound[axis.key] == 1)


_RGB: Final = 3


def _colour_step(
    axes: tuple[Axis, ...], shape: tuple[int, ...], fits: _Fits, world: Library
) -> Step | None:
    """Return the step to three channels for an image that is grey or has an alpha channel."""
    rank = len(axes)
    # The channel axis is the last one, or comes before height and width.
    ends: dict[int, tuple[slice, ...]] = {-1: (), -3: (slice(None), slice(None))}
    for at, rest in ends.items():
        if rank not in _IMAGE_AXES or axes[at].size != _RGB or not _is_image(axes[-3:], at):
            continue
        before, after = shape[: rank + at], shape[rank + at + 1 :]
        colons = ", :, :" if rest else ""
        is_grey = len(shape) == rank - 1
        if is_grey and fits((*before, _RGB, *shape[rank + at :])):
            call = f"{{0}}[..., None{colons}]"
        elif len(shape) == rank and shape[at] == 1 and fits((*before, _RGB, *after)):
            call = "{0}"
        elif len(shape) == rank and shape[at] == _RGB + 1 and fits((*before, _RGB, *after)):
            call, drop = f"{{0}}[..., :3{colons}]", itemgetter((..., slice(_RGB), *rest))
            why = "there is an alpha channel"
            return Step(call, drop, why, loses=", which drops it", mends_axes=True)
        else:
            continue
        if "repeat" not in world.spelling:
            return None
        call = world.spelling["repeat"].replace("AXIS", str(at)).replace("{0}", call)
        repeat = partial(_repeated, world, call)
        return Step(call, repeat, "the image looks grey", mends_axes=True)
    return None


_SIDES: Final = frozenset(
    {("h", "w"), ("height", "width"), ("y", "x"), ("rows", "cols"), ("r", "c"), ("w", "h")}
)


def _is_image(axes: tuple[Axis, ...], at: int) -> bool:
    """Return whether the axes beside the channels are an image's: 3 may be a point's size, too."""
    first, second = axes[:2] if at == -1 else axes[1:]
    return ((first.name or "").lower(), (second.name or "").lower()) in _SIDES


def _repeated(world: Library, call: str, value: Any) -> Any:
    return evaluate(call.format("value"), {"value": value, world.name: world.module()})


def _is_channel(axis: Axis) -> bool:
    return axis.size in {1, 3, 4} or (axis.name or "").rstrip("s") in {"c", "ch", "channel"}


def _swap_step(
    axes: tuple[Axis, ...],
    shape: tuple[int, ...],
    bound: Bindings,
    fits: _Fits,
    world: Library,
) -> Step | None:
    """Return the step that swaps two axes, if exactly one pair would fit and both sizes are known.

    An axis that may have any size would fit by chance: it cannot tell batch from time, for example.
    """
    fitting: list[list[int]] = []
    known = [i for i, axis in enumerate(axes) if _is_known(axis, bound)]
    for i, j in combinations(known, 2):
        order = list(range(len(shape)))
        order[i], order[j] = j, i
        if fits(tuple([shape[each] for each in order])):
            fitting.append(order)
    if len(fitting) != 1:
        return None
    order = fitting[0]
    order_text = ", ".join([str(each) for each in order])
    return Step(
        f"permute_dims({{0}}, ({order_text}))",
        partial(_permute, world, tuple(order)),
        "two axes look swapped",
        world.spelling.get("permute_dims", "").replace("AXES", order_text),
        mends_axes=True,
    )


def _is_known(axis: Axis, bound: Bindings) -> bool:
    return axis.size is not None or axis.expression is not None or axis.key in bound


def _permute(world: Library, order: tuple[int, ...], value: Any) -> Any:
    return world.permute_dims(value, order)
