"""PyTrees as JAX and PyTorch define them, and JAX's array-like classes. Neither is imported here."""

from __future__ import annotations

import sys
import typing
from typing import TYPE_CHECKING, Any

from sekisho.worlds.dtypes import class_of

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = [
    "array_like_classes",
    "flatten_tree",
    "registered_parts",
    "structure_paths",
    "torch_parts",
    "tree_leaves",
]


def flatten_tree(value: Any, is_leaf: Callable[[Any], bool]) -> tuple[list[tuple[str, Any]], Any]:
    """Return a tree's leaves with their paths, ``['a'][0]``, and its structure, a ``PyTreeDef``.

    Only for trees annotated with jaxtyping's PyTree, which has imported JAX.
    """
    tree_util = sys.modules["jax"].tree_util
    leaves, structure = tree_util.tree_flatten_with_path(value, is_leaf=is_leaf)
    return [(tree_util.keystr(path), leaf) for path, leaf in leaves], structure


def structure_paths(structure: Any) -> list[str]:
    """Return the paths of the leaves of a structure."""
    tree = structure.unflatten(range(structure.num_leaves))
    return [path for path, _ in flatten_tree(tree, lambda _: False)[0]]


def tree_leaves(value: object) -> list[Any] | None:
    """Return the leaves of a tree node; None if the value is a leaf or JAX is not imported."""
    jax: Any = sys.modules.get("jax")
    if jax is None or issubclass(class_of(value), (str, bytes, int, float, type(None))):
        return None
    leaves: list[Any] = jax.tree_util.tree_leaves(value)
    return None if leaves and leaves[0] is value else leaves


def _all_but(root: Any) -> Callable[[Any], bool]:
    """Return a test for leaves by which only the root is taken apart, even if it contains itself."""
    is_entered = False

    def is_leaf(value: Any) -> bool:
        nonlocal is_entered
        if value is root and not is_entered:
            is_entered = True
            return False
        return True

    return is_leaf


def registered_parts(value: Any) -> tuple[list[Any], Callable[[list[Any]], Any]] | None:
    """Return the parts of an object whose class is registered with JAX's or PyTorch's pytrees.

    Returns:
        Its parts, one level deep, and the function that makes an equal object from new parts. None
        if the class is registered with neither.
    """
    if issubclass(class_of(value), (str, bytes, int, float, complex, type(None))):
        return None
    jax: Any = sys.modules.get("jax")
    if jax is not None:
        leaves, structure = jax.tree_util.tree_flatten(value, is_leaf=_all_but(value))
        if not jax.tree_util.treedef_is_leaf(structure):
            return leaves, structure.unflatten
    return None if "torch" not in sys.modules else _registered_with_torch(value)


def _registered_with_torch(value: Any) -> tuple[list[Any], Callable[[list[Any]], Any]] | None:
    from sekisho.worlds.torch import node_parts  # noqa: PLC0415 - circular import

    return node_parts(value, _all_but(value))


def torch_parts(value: Any) -> list[Any] | None:
    """Return the parts of a class that is registered with torch's pytrees; None if it is not."""
    found = _registered_with_torch(value)
    return None if found is None else found[0]


def array_like_classes() -> tuple[Any, ...]:
    """Return the classes of `jax.typing.ArrayLike`; empty if JAX is not imported."""
    jax: Any = sys.modules.get("jax")
    return typing.get_args(jax.typing.ArrayLike) if jax else ()
