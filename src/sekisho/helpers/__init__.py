"""Functions that work the same way in every world, under one name.

`ops`, `channels` and `joins` have functions on arrays of any world; `converters` has those that
convert between worlds. `operands` validates the arguments and raises the errors. This package does
not depend on guards.
"""

from sekisho.helpers.channels import add_channel_dim, channels_first, channels_last
from sekisho.helpers.converters import make_to_world, to_jax, to_numpy, to_torch, to_world_of
from sekisho.helpers.joins import concat, namespace, stack
from sekisho.helpers.ops import (
    add_batch_dim,
    expand_dims,
    moveaxis,
    permute_dims,
    remove_batch_dim,
    squeeze,
    transpose2d,
)

__all__ = [
    "add_batch_dim",
    "add_channel_dim",
    "channels_first",
    "channels_last",
    "concat",
    "expand_dims",
    "moveaxis",
    "namespace",
    "permute_dims",
    "remove_batch_dim",
    "squeeze",
    "stack",
    "to_numpy",
    "make_to_world",
    "to_jax",
    "to_torch",
    "to_world_of",
    "transpose2d",
]
