"""One name for one operation in every world.

Functions on arrays of any world (`ops`, `channels`, `joins`), and those that cross the border on
purpose (`converters`). What they may be given, and the errors for all else, is `operands`. No
guard is known here.
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
