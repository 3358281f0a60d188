"""The array libraries: one record a world, and all that differs between them.

Whose value is this, what is its dtype called, can it cross to another world without a loss, and how:
whoever has such a question asks the record, and compares with no certain world. A library is
looked up in ``sys.modules`` and never imported for its user.
"""

from sekisho.worlds.casting import Casting, cast, may_cast
from sekisho.worlds.containers import (
    CheckedIterable,
    flatten,
    iterate_checked,
    with_collected,
    with_fields,
    with_items,
    with_leaves,
    with_values,
)
from sekisho.worlds.conversion import Policy, convert, exports_memory, same_device
from sekisho.worlds.refusals import Refusal
from sekisho.worlds.sharing import make_share_array, make_share_tensor
from sekisho.worlds.world import (
    NUMPY,
    TORCH,
    WORLDS,
    Array,
    World,
    WorldName,
    array_class,
    class_of,
    describe,
    dtype_name,
    find_world,
    is_compiling,
    is_numpy,
    is_torch,
    look_at_version,
    other_world,
    runs_plainly,
    short,
    type_name,
    world_of,
)

__all__ = [
    "Array",
    "Casting",
    "CheckedIterable",
    "NUMPY",
    "Policy",
    "Refusal",
    "TORCH",
    "WORLDS",
    "World",
    "WorldName",
    "array_class",
    "cast",
    "class_of",
    "convert",
    "describe",
    "dtype_name",
    "exports_memory",
    "find_world",
    "flatten",
    "is_compiling",
    "is_numpy",
    "is_torch",
    "iterate_checked",
    "look_at_version",
    "make_share_array",
    "make_share_tensor",
    "may_cast",
    "other_world",
    "runs_plainly",
    "same_device",
    "short",
    "type_name",
    "with_collected",
    "with_fields",
    "with_items",
    "with_leaves",
    "with_values",
    "world_of",
]
