"""The fast path: the simplest conversions, at the price of the conversion itself.

It takes one foreign array of a plain dtype, and shares its memory. It decides nothing differently
from the slow path, and leaves anything less simple to it. What it needs is looked up once, when it
is made.
"""

from __future__ import annotations

from time import perf_counter
from typing import TYPE_CHECKING, Any, NamedTuple

from sekisho.context import current_untraced, open_logs, record
from sekisho.contract import ArraySpec, dtypes_of
from sekisho.errors import hide_in_pytest
from sekisho.worlds import HOST, quick_share

if TYPE_CHECKING:
    from collections.abc import Callable

    from sekisho.contract import Contract, Parameter

__all__ = ["make_quick_lane"]

__tracebackhide__ = hide_in_pytest


class _Shape(NamedTuple):
    """What the fast path checks of a shape, by position.

    Attributes:
        rank: the number of axes; None checks nothing.
        fixed: pairs of an axis and the size that it must have.
        known: pairs of an axis and the position at which its size is passed.
        same: pairs of an axis and the earlier one whose size it must have.
        binds: the axes whose sizes are returned.
    """

    rank: int | None
    fixed: tuple[tuple[int, int], ...] = ()
    known: tuple[tuple[int, int], ...] = ()
    same: tuple[tuple[int, int], ...] = ()
    binds: tuple[int, ...] = ()

    def fits(self, shape: tuple[int, ...], sizes: tuple[int, ...]) -> bool:
        """Return whether a shape of this rank has the sizes that it must have."""
        return not (
            (self.fixed and any(shape[i] != size for i, size in self.fixed))
            or (self.known and any(shape[i] != sizes[j] for i, j in self.known))
            or (self.same and any(shape[i] != shape[j] for i, j in self.same))
        )


def _read_shape(spec: ArraySpec, knows: tuple[str, ...], binds: tuple[str, ...]) -> _Shape | None:
    if spec.axes is None:
        return _Shape(None)
    if any(axis.variadic or axis.broadcastable or axis.expression for axis in spec.axes):
        return None
    keys = [axis.key for axis in spec.axes]
    fixed = tuple((i, axis.size) for i, axis in enumerate(spec.axes) if axis.size is not None)
    known = tuple((i, knows.index(key)) for i, key in enumerate(keys) if key in knows)
    same = tuple((i, keys.index(key)) for i, key in enumerate(keys) if key and keys.index(key) < i)
    if set(knows) & set(binds):
        return None  # an axis that may or may not be bound
    return _Shape(len(keys), fixed, known, same, tuple(keys.index(key) for key in binds))


def _is_plain(contract: Contract, parameter: Parameter) -> bool:
    """Return whether only the annotation decides what happens to a parameter's value."""
    options, kind = contract.options, parameter.kind
    return (
        parameter in contract.parameters
        and kind not in {kind.VAR_POSITIONAL, kind.VAR_KEYWORD}
        and options.copy is None
        and options.device is None
        and not options.local
        and options.on_foreign != "refuse"
        and (options.kind != "boundary" or options.on_foreign is not None)
    )


def make_quick_lane(
    contract: Contract,
    parameter: Parameter,
    knows: tuple[str, ...],
    binds: tuple[str, ...],
    slow: Callable[..., Any],
) -> Callable[..., Any]:
    """Put a fast path in front of the slow path of one parameter, if it can have one."""
    spec, options = parameter.spec, contract.options
    if not isinstance(spec, ArraySpec) or spec.world is None or not _is_plain(contract, parameter):
        return slow
    is_plain = spec.array_type is None and spec.dtype_key is None
    shape = _read_shape(spec, knows, binds) if is_plain else None
    # Compare the host's dtypes: they have the same names in the other world, and are faster.
    quick = quick_share(spec.world, dtypes_of(HOST, spec.dtypes), read_only=True)
    if shape is None or quick is None:
        return slow
    # A function with on_foreign="convert" converts at every level but "off".
    open_levels = ("allow",) if options.on_foreign is None else ("allow", "warn", "refuse")
    rank, from_axes, fits = shape.rank, shape.binds, shape.fits
    ask = bool(shape.fixed or shape.known or shape.same)
    share, is_compiling, gives_host = quick
    function, place, home, target = contract.function, parameter.place, options.world, spec.world

    passed: Any = None  # the last setting that allows conversions; settings are immutable

    def validate(value: Any, *sizes: Any) -> Any:
        nonlocal passed
        if is_compiling():
            return slow(value, *sizes)
        setting = current_untraced()
        if setting is not passed:
            if setting.level(target.name) not in open_levels:
                return slow(value, *sizes)
            passed = setting
        logs = open_logs()
        start = perf_counter() if logs else 0.0
        shared = share(value)
        if shared is None:
            return slow(value, *sizes)
        seconds = perf_counter() - start if logs else 0.0
        host = shared if gives_host else value  # the host's arrays return their shape faster
        if (rank is not None and host.ndim != rank) or (ask and not fits(host.shape, sizes)):
            return slow(value, *sizes)
        if logs:
            record(function, place, home, value, shared, target, None, seconds)
        return (shared, *[host.shape[i] for i in from_axes]) if from_axes else shared

    return validate
