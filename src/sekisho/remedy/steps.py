"""Steps that mend a value: each a call that is tried before it is said, and what it loses.

A step is made for the very value at hand. Whether a cast keeps every value is looked up in the
values, never concluded from the dtypes alone; where it does not, the step says what is lost, or is
no step but an *advice*: words, and no call that somebody could follow blindly.

Beside a helper's name stands what it is in the library at hand, for who reads ``x[None]`` more often
than ``add_batch_dim(x)``. In every text ``{0}`` is the value.
"""

from __future__ import annotations

from functools import partial
from itertools import combinations
from operator import attrgetter, itemgetter
from types import AsyncGeneratorType, CoroutineType
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from sekisho.contract import Axis, Bindings, match_shape
from sekisho.remedy.losses import loss_of
from sekisho.worlds import HOST, World, cast, class_of, dtype_name, find_world, may_cast

if TYPE_CHECKING:
    from collections.abc import Callable

    from sekisho.contract import ArraySpec

__all__ = ["Advice", "Step", "cast_step", "plain_text", "shape_step", "value_hint"]


class Step(NamedTuple):
    """One call that brings a value nearer to what is asked.

    Attributes:
        call: the call as text.
        do: the call itself.
        why: what is mended, in front of the call; empty where the call says it.
        beside: what the call is in the library at hand, behind it.
        loses: what the call loses, behind it.
        option: what may be done instead, where this step is all that is missing.
        crosses: whether it is the crossing itself.
        judged: whether the values were looked at, to say what it loses.
        mends_axes: whether the axes are as asked for behind it.
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


class Advice(Exception):  # noqa: N818 - no error: the end of a search
    """No call is certain to help: words that do, as its argument, or None where none would."""


def plain_text(step: Step, name: str) -> str:
    """One step as a hint, `name` being the value."""
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
    """The cast to the one dtype that the annotation names, if it keeps every value.

    Raises:
        Advice: if it names several, or a value would be lost.
    """
    target = spec.only_dtype
    if target is None:
        raise Advice(None)
    source, spelling = dtype_name(value.dtype), _world(value).spelling
    call = spelling.get("cast", "{0}.astype('DTYPE')").replace("DTYPE", target)
    if may_cast(source, target, "safe"):
        return Step(call, partial(_cast, target))
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


def _cast(target: str, value: Any) -> Any:
    return cast(value, target)


def _rounded(target: str, loss: str, value: Any) -> Any:
    scaled = value * 255 if loss == "image" else value
    return cast(_world(value).round(scaled), target)


def _world(value: Any) -> World:
    return find_world(value) or HOST


# --- axes --------------------------------------------------------------------------------------


def _move_axis(source: int, destination: int, value: Any) -> Any:
    return _world(value).moveaxis(value, source, destination)


_IMAGE_AXES = (3, 4)
"""The ranks at which a moved channel axis is meant: one image, or a batch of them."""

_HELPERS: Final[dict[str, tuple[str, Callable[[Any], Any]]]] = {
    "add_batch_dim": ("the batch axis is missing", itemgetter(None)),
    "remove_batch_dim": ("there is a batch axis of size 1 too many", itemgetter(0)),
    "transpose2d": ("the two axes look transposed", attrgetter("T")),
    "channels_first": ("the channels look last", partial(_move_axis, -1, -3)),
    "channels_last": ("the channels look first", partial(_move_axis, -3, -1)),
}
"""What each helper mends, and what it does."""


def shape_step(
    spec: ArraySpec, shape: tuple[int, ...], bound: Bindings, world: World
) -> Step | None:
    """The helper that gives an array of `world` the declared shape."""
    axes = spec.axes
    if axes is None or any(axis.variadic for axis in axes):
        return None

    def fits(candidate: tuple[int, ...]) -> bool:
        return match_shape(axes, candidate, dict(bound)) is None

    helper, rank = None, len(axes)
    if len(shape) == rank - 1 and fits((1, *shape)):
        helper = "add_batch_dim"
    elif len(shape) == rank + 1 and shape[0] == 1 and fits(shape[1:]):
        helper = "remove_batch_dim"
    elif len(shape) == rank == 2 and fits(shape[::-1]):  # noqa: PLR2004 - a matrix
        helper = "transpose2d"
    elif len(shape) == rank and rank in _IMAGE_AXES:
        first = _is_channel(axes[-3]) and fits((*shape[:-3], shape[-1], *shape[-3:-1]))
        last = _is_channel(axes[-1]) and fits((*shape[:-3], *shape[-2:], shape[-3]))
        if first is not last:
            helper = "channels_first" if first else "channels_last"
    if helper is None:
        return _swap_step(shape, fits, world) if len(shape) == rank else None
    why, do = _HELPERS[helper]
    return Step(f"{helper}({{0}})", do, why, world.spelling.get(helper, ""), mends_axes=True)


def _is_channel(axis: Axis) -> bool:
    return axis.size in {1, 3, 4} or (axis.name or "").rstrip("s") in {"c", "ch", "channel"}


def _swap_step(
    shape: tuple[int, ...], fits: Callable[[tuple[int, ...]], bool], world: World
) -> Step | None:
    """Two axes to be swapped, if these are the only two that would do."""
    fitting: list[list[int]] = []
    for i, j in combinations(range(len(shape)), 2):
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


def _permute(world: World, order: tuple[int, ...], value: Any) -> Any:
    return world.permute_dims(value, order)


# --- what nobody means to pass ------------------------------------------------------------------


def value_hint(value: object, *, is_result: bool) -> str | None:
    """What was forgotten, where a value is nothing that anybody means to pass."""
    if value is None and is_result:
        return "the function returned nothing: is a 'return' missing?"
    kind = class_of(value)
    if issubclass(kind, CoroutineType):
        return "it was not awaited: await {0}"
    return "[each async for each in {0}]" if issubclass(kind, AsyncGeneratorType) else None
