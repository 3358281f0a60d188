"""Validate PyTrees: every leaf at its path, and the structure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from sekisho.contract import (
    ANYTHING,
    UNANNOTATED,
    ArraySpec,
    HintSpec,
    MappingSpec,
    RecordSpec,
    TreeSpec,
    TupleSpec,
    UnionSpec,
    match_structure,
    structure_binders,
    structure_key,
)
from sekisho.errors import BoundaryError, SekishoError, first_line, hide_in_pytest
from sekisho.validation.invalid import Invalid
from sekisho.worlds import (
    class_of,
    find_world,
    flatten_tree,
    is_instance,
    short,
    structure_paths,
)

if TYPE_CHECKING:
    from sekisho.validation.call import Call
    from sekisho.validation.validate import Boundary
    from sekisho.validation.violations import Place

__all__ = ["validate_tree"]

__tracebackhide__ = hide_in_pytest


def validate_tree(boundary: Boundary, spec: TreeSpec, value: Any, place: Place, call: Call) -> Any:
    """Return a PyTree whose leaves are valid, one by one; the same object if none has changed.

    Returns an `Invalid` if its structure is another one, or a leaf is not valid.
    """
    if value is None:
        return None  # the tree without leaves, which jaxtyping always accepts
    flat = _flatten(boundary, spec, value, place)
    if type(flat) is Invalid:
        return flat
    leaves, structure = flat
    if spec.structure is not None:
        invalid = _match_structure(spec, structure, value, place, call)
        if invalid is not None:
            return invalid
    validated: list[Any] = []
    for index, (path, leaf) in enumerate(leaves):
        leaf_call = call
        if spec.structure is not None:
            # The axes `?n` are bound separately for each leaf of a named structure.
            leaf_call = call._replace(leaf=(index, spec.structure))
        inside = place.inside(path)
        found = boundary.validate_as(spec.item, leaf, inside, leaf_call)
        if type(found) is Invalid:
            return found
        validated.append(found)
    if all(new is old for new, (_, old) in zip(validated, leaves, strict=True)):
        return value
    return structure.unflatten(validated)


def _flatten(boundary: Boundary, spec: TreeSpec, value: Any, place: Place) -> Any:
    """Return the leaves with their paths, and the structure.

    Returns an `Invalid` if JAX cannot flatten it: it contains itself, or has keys without an order.
    """
    if _is_too_deep(value):
        reason = f"it is nested more than {_DEEPEST} times, or holds itself"
        return Invalid(BoundaryError, spec, value, place, reason)
    try:
        return flatten_tree(value, lambda each: _is_leaf(boundary, spec.item, each))
    except SekishoError:
        raise
    except Exception as error:  # noqa: BLE001 - flattening runs code of any class
        reason = f"JAX cannot flatten it: {first_line(error)}"
        return Invalid(BoundaryError, spec, value, place, reason)


_DEEPEST: Final = 500


def _is_too_deep(value: Any) -> bool:
    """Return whether a tree is too deep for JAX.

    After a failure in JAX, Python would refuse any call as too deep.
    """
    waiting = [(value, 0)]
    while waiting:
        each, depth = waiting.pop()
        if issubclass(class_of(each), (dict, list, tuple)):
            if depth > _DEEPEST:
                return True
            items = each.values() if issubclass(class_of(each), dict) else each
            waiting.extend((item, depth + 1) for item in items)
    return False


def _is_leaf(boundary: Boundary, item: Any, value: Any) -> bool:
    """Return whether a node is what a leaf must be, whatever its dtypes and shapes."""
    return item is not ANYTHING and item is not UNANNOTATED and _fits(boundary, item, value)


def _fits(  # noqa: PLR0911 - one return for each class
    boundary: Boundary, spec: Any, value: Any
) -> bool:
    kind = class_of(value)
    if isinstance(spec, ArraySpec):
        if spec.array_type is not None:
            return issubclass(kind, spec.array_type)
        is_duck = spec.takes_ducks and hasattr(value, "shape") and hasattr(value, "dtype")
        return is_duck or find_world(value) is not None
    if isinstance(spec, HintSpec):
        if spec.arrays:  # of a library that is not registered as a world
            return issubclass(kind, getattr(spec.hint, "array_type", ()))
        return issubclass(kind, spec.classes) if spec.classes else boundary.check_of(spec)(value)
    if isinstance(spec, UnionSpec):
        return any(_fits(boundary, each, value) for each in spec.alternatives)
    if isinstance(spec, RecordSpec):
        is_one = issubclass(kind, dict if spec.is_dict else spec.kind)
        return is_one and (not spec.is_dict or spec.required <= set(value) <= set(spec.fields))
    parts = _parts(boundary, spec, value)
    return parts is not None and all(_fits(boundary, each, item) for each, item in parts)


def _parts(boundary: Boundary, spec: Any, value: Any) -> list[tuple[Any, Any]] | None:
    """Return each part of a container, after what it must be; None for any other value."""
    if spec is ANYTHING or spec is UNANNOTATED:
        return []
    if isinstance(spec, TreeSpec):
        leaves, _ = flatten_tree(value, lambda each: _is_leaf(boundary, spec.item, each))
        return [(spec.item, leaf) for _, leaf in leaves]
    if isinstance(spec, TupleSpec):
        is_one = issubclass(class_of(value), tuple)
        items = spec.expanded(len(value)) if is_one else ()
        return list(zip(items, value, strict=True)) if is_one and len(items) == len(value) else None
    container: Any = value
    if not is_instance(value, spec.container):
        return None
    if isinstance(spec, MappingSpec):
        return [(spec.key, each) for each in container] + [
            (spec.value, each) for each in container.values()
        ]
    return [(spec.item, each) for each in container]


def _match_structure(
    spec: TreeSpec, structure: Any, value: Any, place: Place, call: Call
) -> Invalid | None:
    name = str(spec.structure)
    try:
        fits = match_structure(name, structure, call.bound)
    except KeyError as unbound:
        part = str(unbound).strip("'<>")
        reason = f"nothing has bound the structure '{part}' of '{name}'"
        return Invalid(BoundaryError, spec, value, place, reason)
    if fits:
        return None
    reason = _difference(name, structure, place, call.bound.get(structure_key(name)))
    return Invalid(BoundaryError, spec, value, place, reason)


def _difference(name: str, structure: Any, place: Place, bound: Any) -> str:
    """Say how a tree's structure differs from the bound one: by a leaf, if there is one."""
    if bound is None:
        return f"{place.it} is not of the structure '{name}': it is {_shown(structure)}"
    places = structure_binders(place.contract, name, place.parameter.name)
    source = " or ".join(dict.fromkeys(places))
    whose = f"the structure '{name}'" + f" (from {source})" * bool(source)
    here, there = structure_paths(structure), structure_paths(bound)
    missing = [path for path in there if path not in here]
    extra = [path for path in here if path not in there]
    if missing or extra:
        path, verb, other = (missing[0], "lacks", "has") if missing else (extra[0], "has", "lacks")
        return f"{place.it} {verb} the leaf {path or 'itself'}, which {whose} {other}"
    return f"{place.it} is {_shown(structure)}, but {whose} is {_shown(bound)}"


class _Text:
    def __init__(self, text: str) -> None:
        self.text = text

    def __repr__(self) -> str:
        return self.text


def _shown(structure: Any) -> str:
    return short(_Text(str(structure).removeprefix("PyTreeDef(").removesuffix(")")))
