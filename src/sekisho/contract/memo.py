"""Exchange the axes of a call with jaxtyping, for annotations that only jaxtyping can check.

Some names are bound at one leaf of a PyTree (``?n``), or name a structure (``"T"``) and not an
axis. In `Bindings` they have keys that no axis can have: ``(Leaf 0 in structure T) n``, which is
jaxtyping's own name for it, with ``*`` or ``#*`` in front like any other, and ``<T>``.
"""

from __future__ import annotations

import importlib
import re
from typing import TYPE_CHECKING, Any, Final

from sekisho.contract._private import storage
from sekisho.contract.keys import (
    argument_of,
    growth_key,
    kind_of,
    several_key,
    structure_key,
)
from sekisho.contract.specs import MEMO

if TYPE_CHECKING:
    from collections.abc import Callable

    from sekisho.contract.axes import Axis
    from sekisho.contract.expressions import Bindings

__all__ = [
    "at_leaf",
    "check_in_scope",
    "close_memo",
    "has_key",
    "match_structure",
    "open_memo",
    "pack_memo",
    "names_of_structure",
    "read_memo",
    "shown_key",
    "unpack_memo",
    "write_memo",
]


def pack_memo(bound: Bindings) -> None:
    """Move the bindings for which the generated function has no local to the key `MEMO`.

    It has a local for each axis name, but these names are not known when it is generated.
    """
    packed = {key: size for key, size in bound.items() if "(" in key or kind_of(key) == "structure"}
    if packed:
        bound[MEMO] = packed


def unpack_memo(bound: Bindings) -> None:
    """Bind what `pack_memo` has moved."""
    bound.update(bound.pop(MEMO, {}))


def at_leaf(axes: tuple[Axis, ...], leaf: tuple[int, str]) -> tuple[Axis, ...]:
    """Return the axes of one leaf of a PyTree; their names include the leaf and the structure."""
    where = f"(Leaf {leaf[0]} in structure {leaf[1]}) "
    return tuple(
        [
            axis._replace(name=f"{where}{axis.name}", treepath=False) if axis.treepath else axis
            for axis in axes
        ]
    )


def shown_key(key: str) -> str:
    """Return a bound name as messages show it: a leaf's as it is written, ``?n``."""
    return re.sub(r"\(Leaf .*\) ", "?", key)


def has_key(axis: Axis, key: str) -> bool:
    """Return whether an axis binds the name that messages show as `key`."""
    if axis.treepath:
        return key == f"{'*' if axis.variadic else ''}?{axis.name}"
    return axis.key == key


def match_structure(name: str, structure: Any, bound: Bindings) -> bool:
    """Match the structure of a PyTree with a named one, and bind a new name.

    Args:
        name: as written: ``T``, ``S T``, ``... T``.
        structure: the tree's ``PyTreeDef``.
        bound: the axes and structures bound so far.

    Raises:
        KeyError: if a part of a composite name is not bound yet.
    """
    if name.isidentifier():
        return bool(bound.setdefault(structure_key(name), structure) == structure)
    # Raises the KeyError for a part that is not bound.
    for part in names_of_structure(name):
        _ = bound[structure_key(part)]
    # Only jaxtyping understands a composite name. With these leaves it compares nothing but the
    # structure.
    tree = structure.unflatten([_LEAF] * structure.num_leaves)
    jaxtyping: Any = importlib.import_module("jaxtyping")
    open_memo(bound)
    try:
        return isinstance(tree, jaxtyping.PyTree[_Leaf, name])
    finally:
        close_memo()


def names_of_structure(structure: str) -> list[str]:
    """Return the names that a composite name is made of."""
    return structure.replace("...", "").split()


class _Leaf:
    pass


_LEAF: Final = _Leaf()


def check_in_scope(
    check: Callable[[object], bool],
    value: object,
    bound: Bindings,
    leaf: tuple[int, str] | None = None,
) -> bool:
    """Let jaxtyping check a value with the axes bound so far; bind the axes that it binds.

    For annotations with arrays inside that only jaxtyping understands.

    Args:
        check: the check of the annotation.
        value: the value.
        bound: the axes bound so far; grows.
        leaf: the number of the leaf and the name of its structure, if the value is a leaf.
    """
    memory = storage()
    open_memo(bound)
    try:
        if leaf is not None:
            memory.set_treepath_memo(*leaf)
        verdict = check(value)
        if verdict:
            read_memo(bound)
    finally:
        memory.clear_treepath_memo()
        close_memo()
    return verdict


def open_memo(bound: Bindings) -> None:
    """Make jaxtyping's `isinstance` use, in this thread, the axes and arguments bound so far."""
    arguments = {argument_of(k): value for k, value in bound.items() if kind_of(k) == "argument"}
    storage().push_shape_memo(arguments)
    write_memo(bound)


def write_memo(bound: Bindings) -> None:
    """Pass the axes bound so far to jaxtyping."""
    single, variadic, structures, _ = storage().get_shape_memo()
    for key, size in bound.items():
        match kind_of(key):
            case "several":
                # jaxtyping keeps a pair: whether the axes may still grow, and their sizes.
                variadic[key[1:]] = (bound.get(growth_key(key)) is not None, size)
            case "structure":
                structures[key[1:-1]] = size
            case "growth" | "argument":
                pass
            case _:
                single[key] = size


def read_memo(bound: Bindings) -> None:
    """Bind what jaxtyping has bound."""
    single, variadic, structures, _ = storage().get_shape_memo()
    bound.update(single)
    bound.update({structure_key(name): structure for name, structure in structures.items()})
    for name, (grows, shape) in variadic.items():
        bound[several_key(name)] = shape
        bound.pop(growth_key(several_key(name)), None)  # it may have stopped growing
        if grows:
            bound[growth_key(several_key(name))] = 1


def close_memo() -> None:
    """End what `open_memo` began: `isinstance` uses the axes of the call around again, or none."""
    storage().pop_shape_memo()
