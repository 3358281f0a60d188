"""Find the call that makes an array of another value: a list, number, data frame or picture."""

from __future__ import annotations

import contextlib
import functools
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from sekisho.contract import match_shape
from sekisho.hints.losses import are_same, loss_of
from sekisho.hints.samples import Sample, is_stored, stored_alike
from sekisho.hints.steps import Advice, Step
from sekisho.utils import evaluate
from sekisho.worlds import (
    HOST,
    Library,
    class_of,
    dtype_name,
    exports_memory,
    find_world,
    loaded_worlds,
    package_of,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from sekisho.contract import ArraySpec, Bindings

__all__ = ["evaluate_on", "make_step"]

_PLAIN: Final = (bool, int, float, complex, list, tuple, range, np.generic)
_FRAMES: Final = frozenset({"pandas", "polars", "pyarrow", "xarray"})
"""Packages whose ``to_numpy`` works in memory. Elsewhere it may read a disk, or a cluster."""


def make_step(
    sample: Sample, world: Library | None, spec: ArraySpec | None, bound: Bindings, *, reads: bool
) -> Step:
    """Find the call that makes an array of a value, with the required dtype.

    If the result does not have the required shape, a later step can fix that, unless another call
    gives the shape directly.

    Args:
        sample: the value, which is not an array.
        world: the required world; None for any.
        spec: the required dtype and axes; None for any.
        bound: the axis sizes bound so far.
        reads: whether the boundary converts a picture itself.

    Raises:
        Advice: if no call is certain to work.
    """
    value = sample.value
    if is_stored(value):
        return _stored_step(value, spec)
    target = (spec and spec.only_dtype) or None
    nearest: Step | None = None
    has_dtype = False
    for step, made in _tried(value, world or HOST, target):
        if spec is None:
            return step
        is_valid = spec.accepts_dtype(dtype_name(made.dtype))
        if is_valid and (
            spec.axes is None or match_shape(spec.axes, sample.shape(made), dict(bound)) is None
        ):
            # The boundary converts the picture itself, so the hint only needs the conversion to
            # another mode.
            picture = step.call.removeprefix("numpy.asarray(")[:-1]
            return step._replace(call=picture) if reads and ".convert(" in picture else step
        # Remember it: a later step may fix the axes, or cast.
        if (is_valid and not has_dtype) or (nearest is None and target):
            nearest, has_dtype = step, is_valid
    if nearest is None:
        raise Advice(_item_advice(value))
    return nearest


def _stored_step(value: Any, spec: ArraySpec | None) -> Step:
    """Return the step that reads an array stored in a file, without reading it for the message.

    Raises:
        Advice: if more steps would be needed: the values are unknown.
    """
    if spec is not None and not spec.accepts_dtype(dtype_name(value.dtype)):
        raise Advice("read it first: {0}[...]")
    return Step("{0}[...]", stored_alike)


def _item_advice(value: Any) -> str | None:
    """Return the hint to pick one item, if the value is a batch: several kinds of arrays."""
    kind = class_of(value)
    if not issubclass(kind, (dict, list, tuple)) or not value:
        return None
    items = value.items() if issubclass(kind, dict) else enumerate(value)
    arrays = [(key, each) for key, each in items if find_world(each) is not None]
    ranks = {len(each.shape) for _, each in arrays}
    if not arrays or (len(ranks) == 1 and not issubclass(kind, dict)):
        return None
    return f"take one of its items, as in {{0}}[{arrays[0][0]!r}]"


def _tried(value: Any, world: Library, dtype: str | None) -> Iterator[tuple[Step, Any]]:
    """Yield calls that make numbers of a value, with their results; they lose digits at most."""
    for call, exact in _calls(value, world, dtype):
        made = None
        with contextlib.suppress(Exception):  # a call that raises is not the right one
            made = evaluate_on(call, value)
        if find_world(made) is not None and _is_numeric(made):
            loss = _loss(made, value, exact)
            if loss in {"", ", which rounds"}:
                do = functools.partial(evaluate_on, call)
                yield Step(call, do, loses=loss, judged=exact is not None), made


def _is_numeric(made: Any) -> bool:
    return getattr(made.dtype, "kind", "f") in "biufc"


def evaluate_on(call: str, value: Any) -> Any:
    """Evaluate one of sekisho's own calls on a value, which replaces ``{0}``."""
    modules = {world.name: world.module() for world in loaded_worlds()}
    return evaluate(call.format("value"), {"value": value, **modules})


def _calls(value: Any, world: Library, dtype: str | None) -> Iterator[tuple[str, str | None]]:
    """Yield candidate calls, best first, each with the call whose values it must reproduce."""
    kind = class_of(value)
    package = package_of(kind)
    if issubclass(kind, _PLAIN):
        yield from _plain_calls(value, world, dtype)
    elif issubclass(kind, (bytes, bytearray)):
        if dtype == "uint8":  # any other dtype would need a decoder
            yield "numpy.frombuffer({0}, dtype='uint8')", None
    elif package in {*_FRAMES, "scipy"} or kind.__name__ in _opens_of(package):
        yield from _foreign_calls(kind, package, dtype)
    elif package == "PIL" and hasattr(kind, "convert"):
        yield "numpy.asarray({0})", None
        for mode in ("RGB", "L", "RGBA"):
            yield f"numpy.asarray({{0}}.convert('{mode}'))", None
    elif kind.__name__ in {"array", "memoryview"} or exports_memory(value):
        yield "numpy.asarray({0})", None
        yield "numpy.from_dlpack({0})", None
        if dtype is not None:
            yield f"numpy.asarray({{0}}, dtype='{dtype}')", "numpy.asarray({0})"


def _foreign_calls(kind: Any, package: str, dtype: str | None) -> Iterator[tuple[str, str | None]]:
    """Yield the methods of other packages' tables, sparse arrays and boxes."""
    if package == "pandas" and hasattr(kind, "to_numpy"):
        # For columns of several dtypes, pandas chooses a common one, which may lose digits.
        yield "{0}.to_numpy()", "{0}.to_numpy(dtype=object)"
        if dtype is not None:
            yield f"{{0}}.to_numpy(dtype='{dtype}')", "{0}.to_numpy(dtype=object)"
    elif package in _FRAMES and hasattr(kind, "to_numpy"):
        yield from _frame_calls(kind, dtype)
    elif package == "scipy" and hasattr(kind, "toarray"):
        yield "{0}.toarray()", None
    elif kind.__name__ in _opens_of(package):
        yield _opens_of(package)[kind.__name__], None


def _opens_of(package: str) -> Mapping[str, str]:
    """Return, by class name, the calls that make arrays of a library's other classes."""
    nothing: Mapping[str, str] = {}
    return next((world.opens for world in loaded_worlds() if world.name == package), nothing)


def _frame_calls(kind: Any, dtype: str | None) -> Iterator[tuple[str, str | None]]:
    """Yield calls for tables whose ``to_numpy`` takes no dtype: polars, Arrow, xarray."""
    for call in ("{0}.to_numpy()", "{0}.to_numpy(zero_copy_only=False)"):
        yield call, _column_by_column(kind)
        if dtype is not None:
            yield f"{call}.astype('{dtype}')", call


def _column_by_column(kind: Any) -> str | None:
    """Return the reference call for a table, whose columns may have several dtypes."""
    is_table = hasattr(kind, "columns") and hasattr(kind, "iter_columns")
    columns = "[each.to_numpy().astype(object) for each in {0}.iter_columns()]"
    return f"numpy.stack({columns}, -1)" if is_table else None


def _plain_calls(value: Any, world: Library, dtype: str | None) -> Iterator[tuple[str, str | None]]:
    """Yield calls for numbers, and for lists of numbers or of arrays."""
    first: Any = value[0] if issubclass(class_of(value), (list, tuple)) and value else None
    of_first = find_world(first)
    if of_first is not None and "stack" in of_first.spelling:
        yield of_first.spelling["stack"], None
        return
    maker = HOST if find_world(value) is not None or of_first is not None else world
    is_number = not isinstance(value, (list, tuple, range))
    yield from maker.making_calls(dtype, is_number=is_number)


def _loss(made: Any, value: Any, exact: str | None) -> str:
    """Return what a call has lost: nothing (``""``), digits (``", which rounds"``), or values."""
    if package_of(class_of(value)) == "PIL":
        return _picture_loss(made, value)
    if exact is None:
        return ""
    wanted = np.asarray(evaluate_on(exact, value))
    if wanted.dtype.kind in "biufc":
        return _as_words(loss_of(wanted, dtype_name(made.dtype)))
    if find_world(made) is not HOST:
        return "values"
    if bool(np.all(are_same(wanted, made))):
        return ""
    error = np.abs(made.astype(float) - wanted.astype(float))
    eps = np.finfo(made.dtype).eps if made.dtype.kind == "f" else 0.0
    return (
        ", which rounds" if bool((error <= eps * np.abs(wanted.astype(float))).all()) else "values"
    )


def _as_words(loss: str | None) -> str:
    return {None: "", "rounds": ", which rounds"}.get(loss, "values")


_FULL: Final = 255
_PIXELS: Final = 2  # number of dimensions of a grey picture


def _picture_loss(made: Any, picture: Any) -> str:
    """Return whether a picture converted to another mode has lost colours."""
    before = np.asarray(picture)
    if made.shape == before.shape or picture.mode == "P":
        return ""
    if before.ndim == _PIXELS:  # grey becomes three equal channels; a new alpha channel is opaque
        same = bool((made[..., :3] == before[..., None]).all())
    elif made.ndim == _PIXELS:
        same = bool((before == before[..., :1]).all())
    else:
        shared = min(before.shape[-1], made.shape[-1])
        same = bool((made[..., :shared] == before[..., :shared]).all())
        same = same and bool((before[..., shared:] == _FULL).all())
    return "" if same else "values"
