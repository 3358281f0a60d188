"""Find the parts of an annotation, its arrays, and the names that it binds."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any

from sekisho.contract.keys import growth_key
from sekisho.contract.specs import (
    PYTREE,
    AliasSpec,
    ArraySpec,
    HintSpec,
    IterableSpec,
    MappingSpec,
    PackedSpec,
    RecordSpec,
    SelfSpec,
    SequenceSpec,
    Spec,
    TreeSpec,
    TupleSpec,
    UnionSpec,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from sekisho.contract.axes import Axis

__all__ = [
    "array_specs",
    "children",
    "holds_arrays",
    "names_in",
    "needs_reading",
    "walk",
]


def children(spec: Any) -> tuple[Spec, ...]:  # noqa: PLR0911 - one return for each class
    """Return the annotations directly inside of one, in the order they are visited."""
    if type(spec) is ArraySpec:  # as most are
        return ()
    if isinstance(spec, HintSpec):
        return spec.arrays
    if isinstance(spec, UnionSpec):
        return spec.alternatives
    if isinstance(spec, TupleSpec):
        return spec.items
    if isinstance(spec, MappingSpec):
        return (spec.key, spec.value)
    if isinstance(spec, PackedSpec):
        return (spec.inner,)
    if isinstance(spec, RecordSpec):
        return tuple(spec.fields.values())
    if isinstance(spec, AliasSpec):
        return () if spec.target is None else (spec.target,)
    if isinstance(spec, TreeSpec):
        return (spec.item, PYTREE)
    return (spec.item,) if isinstance(spec, (SequenceSpec, IterableSpec)) else ()


def array_specs(spec: Any) -> tuple[ArraySpec, ...]:
    """Return the array annotations in `spec`, itself included, in the order they are visited."""
    if isinstance(spec, ArraySpec):
        return (spec,)  # most are one array, and this is called often
    return tuple(each for each in walk(spec) if isinstance(each, ArraySpec))


def holds_arrays(spec: Any) -> bool:
    """Return whether `spec` contains an array, or may: a record in it is still being parsed."""
    return any(
        isinstance(each, ArraySpec)
        or (isinstance(each, RecordSpec) and not each.is_complete)
        or (isinstance(each, AliasSpec) and each.target is None)
        for each in walk(spec)
    )


def needs_reading(spec: Any) -> bool:
    """Return whether `spec` contains something that a type checker cannot check."""
    return holds_arrays(spec) or any(isinstance(each, (AliasSpec, SelfSpec)) for each in walk(spec))


def names_in(spec: Any, *, into_records: bool = False) -> Iterable[str]:
    """Return what an annotation binds or needs to be bound: the keys of `Bindings`, in order.

    Without the names in the fields of records, unless `into_records`. The axis names of a record
    are its own, like those of a function: two batches in one call may have different sizes. They
    belong to the call only if the function's own annotations use them.
    """
    if type(spec) is ArraySpec:  # as most are
        return _names_of(spec.axes, spec.dtype_key)
    return _names_inside(spec, into_records=into_records)


def _names_inside(spec: Any, *, into_records: bool) -> Iterator[str]:
    for each in _walk(spec, set(), into_records=into_records):
        if isinstance(each, SelfSpec):
            yield each.argument
        elif isinstance(each, ArraySpec):
            yield from _names_of(each.axes, each.dtype_key)


@lru_cache(maxsize=1024)  # few annotations differ, and each is read several times
def _names_of(axes: tuple[Axis, ...] | None, dtype_key: str | None) -> tuple[str, ...]:
    found: list[str] = []
    for axis in axes or ():
        if axis.expression is not None:
            found += axis.expression.names
        key = axis.key
        if key is not None:
            found.append(key)
            if axis.variadic:
                # Beside it the marker that it may still grow by broadcasting: see match_shape.
                found.append(growth_key(key))
    return (*found, dtype_key) if dtype_key is not None else tuple(found)


def walk(spec: Any) -> Iterator[Any]:
    """Yield an annotation and all that is inside of it, in the order they are visited."""
    return _walk(spec, set())


def _walk(spec: Any, seen: set[int], *, into_records: bool = True) -> Iterator[Any]:
    # By identity: a record may contain itself, and the same array annotation may occur twice.
    if isinstance(spec, (RecordSpec, AliasSpec)):
        if id(spec) in seen:
            return
        seen.add(id(spec))
    yield spec
    if isinstance(spec, RecordSpec) and not into_records:
        return
    inside = children(spec)
    if isinstance(spec, PackedSpec) and not into_records and isinstance(spec.inner, RecordSpec):
        inside = children(spec.inner)  # the fields of **options: Unpack[TD] are arguments
    for child in inside:
        yield from _walk(child, seen, into_records=into_records)
