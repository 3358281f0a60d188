"""The array libraries: one file a world, and all that differs between them.

Whose value is this, what is its dtype called, can it cross to another world without a loss, and how:
whoever has such a question asks the record, and compares with no certain world. A library is
looked up in ``sys.modules`` and never imported for its user.
"""

from sekisho.worlds.casting import Casting, cast, may_cast
from sekisho.worlds.containers import (
    CheckedIterable,
    flatten,
    iterate_checked,
    nests_deeper,
    with_collected,
    with_fields,
    with_items,
    with_leaves,
    with_values,
)
from sekisho.worlds.conversion import convert, exports_memory, quick_share
from sekisho.worlds.dtypes import PLAIN_DTYPES, class_of, dtype_name, package_of
from sekisho.worlds.policy import Converted, Policy, Refusal
from sekisho.worlds.pytrees import array_like_classes, flatten_tree, structure_paths, tree_leaves
from sekisho.worlds.registry import (
    HOST,
    array_class,
    asked_worlds,
    find_world,
    foreign_world,
    has_world,
    loaded_worlds,
    look_for_worlds,
    on_load,
    register_world,
    runs_plainly,
    world_named,
    world_names,
    world_of_array_class,
    world_of_class,
)
from sekisho.worlds.shown import Kind, Watcher
from sekisho.worlds.tracing import (
    is_compiling,
    runs_while_compiling,
    traceable_classes,
    traceable_dtypes,
)
from sekisho.worlds.unflatten import is_unflattening, may_unflatten
from sekisho.worlds.values import (
    Array,
    Convertible,
    JaxArray,
    StandardArray,
    TorchDevice,
    TorchTensor,
    describe,
    is_jax,
    is_numpy,
    is_torch,
    make_is_world,
    short,
    type_name,
    world_of,
)
from sekisho.worlds.world import World
from sekisho.worlds.wrapping import find_operation, wrap_operations

__all__ = [
    "JaxArray",
    "Convertible",
    "StandardArray",
    "TorchDevice",
    "TorchTensor",
    "quick_share",
    "runs_while_compiling",
    "traceable_classes",
    "traceable_dtypes",
    "Array",
    "Casting",
    "CheckedIterable",
    "Converted",
    "HOST",
    "Kind",
    "PLAIN_DTYPES",
    "Policy",
    "Refusal",
    "Watcher",
    "World",
    "array_class",
    "array_like_classes",
    "asked_worlds",
    "cast",
    "class_of",
    "package_of",
    "convert",
    "describe",
    "dtype_name",
    "exports_memory",
    "find_operation",
    "find_world",
    "foreign_world",
    "has_world",
    "flatten",
    "flatten_tree",
    "is_compiling",
    "is_jax",
    "is_numpy",
    "is_torch",
    "is_unflattening",
    "iterate_checked",
    "loaded_worlds",
    "nests_deeper",
    "look_for_worlds",
    "make_is_world",
    "may_cast",
    "may_unflatten",
    "on_load",
    "register_world",
    "runs_plainly",
    "short",
    "structure_paths",
    "tree_leaves",
    "type_name",
    "with_collected",
    "with_fields",
    "with_items",
    "with_leaves",
    "with_values",
    "world_named",
    "world_names",
    "world_of",
    "world_of_array_class",
    "world_of_class",
    "wrap_operations",
]
