"""The workloads with containers (f) and with a dataclass (g), compared with a loop by hand."""

from __future__ import annotations

import dataclasses
import functools

import numpy as np
import torch
from contenders import Array, Tensor, annotate, on
from jaxtyping import Float32

import sekisho as sk


def list_of(length):
    def by_hand(x):
        assert isinstance(x, list)
        shape = None
        for each in x:
            assert isinstance(each, Tensor)
            assert each.dtype == torch.float32
            if shape is None:
                assert each.ndim == 2
                shape = each.shape
            else:
                assert each.shape == shape

    guard = sk.boundary(annotate(lambda x: None, x=list[Float32[Tensor, "h w"]]))
    values = ([torch.ones(2, 2) for _ in range(length)],)
    return on(values, {"by hand": by_hand, "sekisho": guard})


def dict_batch():
    def by_hand(x):
        assert isinstance(x, dict)
        shape = None
        for key, each in x.items():
            assert isinstance(key, str)
            assert isinstance(each, Tensor)
            assert each.dtype == torch.float32
            if shape is None:
                assert each.ndim == 2
                shape = each.shape
            else:
                assert each.shape == shape

    guard = sk.boundary(annotate(lambda x: None, x=dict[str, Float32[Tensor, "h w"]]))
    values = ({str(n): torch.ones(2, 2) for n in range(8)},)
    return on(values, {"by hand": by_hand, "sekisho": guard})


def tuple_returned():
    def by_hand(x):
        assert isinstance(x, Tensor)
        assert x.dtype == torch.float32
        assert x.ndim == 2
        result = halves(x)
        assert isinstance(result, tuple)
        assert len(result) == 2
        rows, columns = result
        assert isinstance(rows, Tensor)
        assert rows.dtype == torch.float32
        assert rows.shape == (x.shape[0],)
        assert isinstance(columns, Tensor)
        assert columns.dtype == torch.float32
        assert columns.shape == (x.shape[1],)
        return result

    values = (torch.ones(2), torch.ones(3))

    def halves(x):
        return values

    result = tuple[Float32[Tensor, "n"], Float32[Tensor, "d"]]
    guard = sk.torch_world(
        annotate(lambda x: values, **{"x": Float32[Tensor, "n d"], "return": result})
    )
    return on((torch.ones(2, 3),), {"by hand": by_hand, "sekisho": guard})


def many_arguments():
    def by_hand(*x):
        shape = None
        for each in x:
            assert isinstance(each, Tensor)
            assert each.dtype == torch.float32
            if shape is None:
                assert each.ndim == 2
                shape = each.shape
            else:
                assert each.shape == shape

    guard = sk.torch_world(annotate(lambda *x: None, x=Float32[Tensor, "h w"]))
    return on(tuple(torch.ones(2, 2) for _ in range(4)), {"by hand": by_hand, "sekisho": guard})


def dataclass_of_five():
    names = "abcde"

    class ByHand:
        def __init__(self, a, b, c, d, e):
            for each in (a, b, c, d, e):
                assert isinstance(each, Array)
                assert each.dtype == np.float32
                assert each.ndim == 2
                assert each.shape == a.shape
            self.a, self.b, self.c, self.d, self.e = a, b, c, d, e

    hint = Float32[Array, "n m"]
    guard = sk.numpy_world(dataclasses.make_dataclass("Five", [(name, hint) for name in names]))
    values = tuple(np.ones((2, 2), np.float32) for _ in names)
    return on(values, {"by hand": ByHand, "sekisho": guard})


CONTAINERS = {
    "f 10": ("a list of 10 tensors", functools.partial(list_of, 10)),
    "f 1,000": ("a list of 1,000 tensors", functools.partial(list_of, 1000)),
    "f 100,000": ("a list of 100,000 tensors", functools.partial(list_of, 100_000)),
    "f dict": ("a dict of 8 tensors", dict_batch),
    "f tuple": ("a tuple of two tensors, returned", tuple_returned),
    "f args": ("four tensors by *args", many_arguments),
    "g": ("a dataclass of five arrays, made", dataclass_of_five),
}
