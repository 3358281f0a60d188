"""Replace parts of an annotation."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sekisho.contract.axes import Axis
from sekisho.contract.specs import ANYTHING, AliasSpec, ArraySpec, HintSpec, RecordSpec

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

__all__ = ["mapped", "without_axes"]


def mapped(spec: Any, change: Callable[[Any], Any], seen: frozenset[int] = frozenset()) -> Any:
    """Return an annotation in which some parts are replaced, from the outside in.

    Records and aliases are changed in place, since they may contain themselves.

    Args:
        spec: the annotation.
        change: returns the replacement of a part, or the part itself to keep it.
        seen: the ids of the records and aliases around.
    """
    if id(spec) in seen:  # a record or an alias that contains itself
        return spec
    new = change(spec)
    if new is not spec or isinstance(spec, HintSpec):
        return new
    if isinstance(spec, (RecordSpec, AliasSpec)):
        within = seen | {id(spec)}
        if isinstance(spec, AliasSpec):
            spec.target = mapped(spec.target, change, within)
            return spec
        fields = {name: mapped(each, change, within) for name, each in spec.fields.items()}
        spec.fields.update(fields)
        return spec
    changed: dict[str, Any] = {}
    parts: dict[str, Any] = spec._asdict() if hasattr(spec, "_asdict") else {}
    for name, part in parts.items():
        if name in {"alternatives", "items"}:
            changed[name] = tuple(mapped(each, change, seen) for each in part)
        elif name in {"item", "key", "value", "inner"}:
            changed[name] = mapped(part, change, seen)
    return spec._replace(**changed) if changed else spec


def without_axes(spec: Any, axes: Collection[Axis]) -> Any:
    """Return an annotation in which some axes may have any size."""

    def change(each: Any) -> Any:
        if isinstance(each, ArraySpec) and each.axes is not None:
            kept = tuple(Axis("_") if axis in axes else axis for axis in each.axes)
            return each if kept == each.axes else each._replace(axes=kept)
        if isinstance(each, HintSpec):
            named = any(axis in axes for array in each.arrays for axis in array.axes or ())
            return ANYTHING if named else each  # jaxtyping would check them
        return each

    return mapped(spec, change)
