"""The workloads of the helpers (h), compared with raw operations in functions of equal parameters."""

from __future__ import annotations

import functools

import numpy as np
import torch
from contenders import Array, Tensor, made_by

import sekisho as sk


def helper(kind, function, raw, *peers, arguments=lambda x: (x,)):
    """Wrap the raw operation in a function with the same parameters, like a user's own helper."""
    x = np.ones((2, 3), np.float32) if kind is Array else torch.ones(2, 3)
    makers = {"raw": lambda: raw, "sekisho": lambda: function, **dict(peers)}
    return made_by(makers, arguments(x))


def add_batch_dim(kind):
    def einops():
        from einops import rearrange

        return lambda x: rearrange(x, "h w -> 1 h w")

    def autoray():
        from autoray import do

        return lambda x: do("expand_dims", x, 0) if kind is Array else do("unsqueeze", x, 0)

    def plum():
        from plum import dispatch

        @dispatch
        def batch(x: np.ndarray):
            return x[None]

        @dispatch
        def batch(x: torch.Tensor):  # noqa: F811 - plum overloads by redefinition
            return x[None]

        return batch

    def singledispatch():
        @functools.singledispatch
        def batch(x):
            raise TypeError

        batch.register(np.ndarray)(lambda x: x[None])
        batch.register(torch.Tensor)(lambda x: x[None])
        return batch

    def array_api_compat():
        from array_api_compat import array_namespace

        return lambda x: array_namespace(x).expand_dims(x, axis=0)

    return helper(
        kind,
        sk.add_batch_dim,
        lambda x: x[None],
        ("einops", einops),
        ("autoray", autoray),
        ("plum", plum),
        ("singledispatch", singledispatch),
        ("array-api-compat", array_api_compat),
    )


RAW = {
    "transpose2d": (sk.transpose2d, lambda x: x.T, lambda x: x.T, lambda x: (x,)),
    "expand_dims": (
        sk.expand_dims,
        lambda x, axis: np.expand_dims(x, axis),
        lambda x, axis: x.unsqueeze(axis),
        lambda x: (x, 0),
    ),
    "permute_dims": (
        sk.permute_dims,
        lambda x, axes: x.transpose(axes),
        lambda x, axes: x.permute(axes),
        lambda x: (x, (1, 0)),
    ),
    "moveaxis": (
        sk.moveaxis,
        lambda x, source, destination: np.moveaxis(x, source, destination),
        lambda x, source, destination: x.moveaxis(source, destination),
        lambda x: (x, 0, 1),
    ),
    "stack": (sk.stack, lambda xs: np.stack(xs), lambda xs: torch.stack(xs), lambda x: ([x, x],)),
    "concat": (
        sk.concat,
        lambda xs: np.concatenate(xs),
        lambda xs: torch.cat(xs),
        lambda x: ([x, x],),
    ),
}


HELPERS = {
    "h add_batch_dim numpy": ("add_batch_dim, array", functools.partial(add_batch_dim, Array)),
    "h add_batch_dim torch": ("add_batch_dim, tensor", functools.partial(add_batch_dim, Tensor)),
    **{
        f"h {name} {world}": (
            f"{name}, {'array' if kind is Array else 'tensor'}",
            functools.partial(helper, kind, row[0], row[index], arguments=row[3]),
        )
        for name, row in RAW.items()
        for index, (world, kind) in enumerate((("numpy", Array), ("torch", Tensor)), start=1)
    },
}
