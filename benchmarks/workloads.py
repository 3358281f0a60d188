"""The workloads: what is called, with what, and the checks as a careful engineer writes them.

Each workload is a function of no arguments that returns a dict: the name of a contender to what
makes its call, a function without arguments. Whatever that imports is imported in the contender's
own process only. A contender that cannot do a workload is not among its names.
"""

from __future__ import annotations

import dataclasses
import functools
import threading
from typing import Any

import numpy as np
import torch
from jaxtyping import Float32

import sekisho as sk

Array, Tensor = np.ndarray, torch.Tensor


def jaxtyped(function, typechecker="beartype"):
    import beartype
    import jaxtyping

    if typechecker == "typeguard":
        import typeguard

        return jaxtyping.jaxtyped(typechecker=typeguard.typechecked)(function)
    return jaxtyping.jaxtyped(typechecker=beartype.beartype)(function)


def annotate(function, **annotations):
    function.__annotations__ = annotations
    return function


# --- (a) two arrays and a return, (b) one array, (c) eight arguments, (d) harder axes ------------


def two_arrays(kind, dtype, values):
    def plain(x, y):
        return x

    def by_hand(x, y):
        assert isinstance(x, kind)
        assert x.dtype == dtype
        assert x.ndim == 2
        assert isinstance(y, kind)
        assert y.dtype == dtype
        assert y.ndim == 2
        assert y.shape[0] == x.shape[1]
        result = x
        assert isinstance(result, kind)
        assert result.dtype == dtype
        assert result.shape == (x.shape[0], y.shape[1])
        return result

    world = sk.numpy_world if kind is Array else sk.torch_world
    hints = {"x": Float32[kind, "b c"], "y": Float32[kind, "c d"], "return": Float32[kind, "b d"]}

    def fresh(**annotations):
        def function(x, y):
            return x

        return annotate(function, **annotations)

    def annotated():
        return fresh(**hints)

    def same():
        a = sk.Array
        return sk.same_world(
            fresh(
                x=Float32[a, "b c"],
                y=Float32[a, "c d"],
                **{"return": Float32[a, "b d"]},
            )
        )

    def beartype_alone():
        import beartype

        return beartype.beartype(fresh(x=kind, y=kind, **{"return": kind}))

    def dltype_():
        from typing import Annotated

        import dltype

        def hint(axes):
            return Annotated[kind, dltype.Float32Tensor[axes]]

        f = fresh(x=hint("b c"), y=hint("c d"), **{"return": hint("b d")})
        return dltype.dltyped()(f)

    def bearshape_():
        import importlib

        import beartype
        from bearshape import B, C, D

        hint = importlib.import_module(f"bearshape.{'numpy' if kind is Array else 'torch'}").F32
        f = fresh(x=hint[B, C], y=hint[C, D], **{"return": hint[B, D]})
        return beartype.beartype(f)

    def safecheck_():
        import safecheck

        own = safecheck.NumpyArray if kind is Array else safecheck.TorchArray
        hint = safecheck.Float32
        f = fresh(x=hint[own, "b c"], y=hint[own, "c d"], **{"return": hint[own, "b d"]})
        return safecheck.typecheck(f)

    def tensor_shape_assert_():
        from tensor_shape_assert import ShapedTensor, check_tensor_shapes

        hint = ShapedTensor
        f = fresh(x=hint["b c f32"], y=hint["c d f32"], **{"return": hint["b d f32"]})
        return check_tensor_shapes()(f)

    makers = {
        "unguarded": lambda: plain,
        "by hand": lambda: by_hand,
        "sekisho": lambda: world(annotated()),
        "sekisho same_world": same,
        "sekisho boundary": lambda: sk.boundary(annotated()),
        "jaxtyping + beartype": lambda: jaxtyped(annotated()),
        "jaxtyping + typeguard 2": lambda: jaxtyped(annotated(), "typeguard"),
        "beartype alone": beartype_alone,
        "dltype": dltype_,
        "bearshape": bearshape_,
        "safecheck": safecheck_,
        "tensor-shape-assert": tensor_shape_assert_,
    }
    return {name: functools.partial(_calling, make, values) for name, make in makers.items()}


def _calling(make, values):
    return functools.partial(make(), *values)


def a_numpy():
    return two_arrays(Array, np.float32, (np.ones((2, 2), np.float32),) * 2)


def a_torch():
    return two_arrays(Tensor, torch.float32, (torch.ones(2, 2),) * 2)


def one_array():
    def by_hand(x):
        assert isinstance(x, Array)
        assert x.dtype == np.float32
        assert x.ndim == 2

    def annotated(x):
        pass

    annotate(annotated, x=Float32[Array, "b c"])
    guard = sk.boundary(annotated)
    return on((np.ones((2, 2), np.float32),), {"by hand": by_hand, "sekisho": guard})


def on(values, functions):
    return {
        name: functools.partial(_calling, lambda f=function: f, values)
        for name, function in functions.items()
    }


def eight_arguments():
    def by_hand(x, y, a=1, b=2, c=3, *, d=4, e=5, f=6):
        assert isinstance(x, Array)
        assert x.dtype == np.float32
        assert x.ndim == 2
        assert isinstance(y, Array)
        assert y.dtype == np.float32
        assert y.ndim == 1
        assert y.shape[0] == x.shape[1]

    def annotated(x, y, a=1, b=2, c=3, *, d=4, e=5, f=6):
        pass

    annotate(annotated, x=Float32[Array, "b c"], y=Float32[Array, "c"])
    values = (np.ones((2, 2), np.float32), np.ones(2, np.float32), 5, 6)
    return on(values, {"by hand": by_hand, "sekisho": sk.boundary(annotated)})


def harder_axes():
    def by_hand(x, y, z):
        assert isinstance(x, Array)
        assert x.dtype == np.float32
        assert x.ndim >= 1
        *batch, n = x.shape
        assert isinstance(y, Array)
        assert y.dtype == np.float32
        assert y.ndim == 2
        assert y.shape[0] in (1, n)
        m = y.shape[1]
        assert isinstance(z, Array)
        assert z.dtype == np.float32
        assert z.shape == (*batch, n + m)

    def annotated(x, y, z):
        pass

    annotate(
        annotated,
        x=Float32[Array, "*batch n"],
        y=Float32[Array, "#n m"],
        z=Float32[Array, "*batch n+m"],
    )
    values = tuple(np.ones(s, np.float32) for s in ((5, 2, 3), (1, 4), (5, 2, 7)))
    return on(values, {"by hand": by_hand, "sekisho": sk.boundary(annotated)})


# --- (e) a converting call -----------------------------------------------------------------------


def array_to_tensor():
    def by_hand(x):
        assert isinstance(x, Array)
        assert x.dtype == np.float32
        assert x.ndim == 1
        assert x.flags.writeable
        assert all(stride >= 0 and stride % x.itemsize == 0 for stride in x.strides)
        x = torch.from_numpy(x)
        assert isinstance(x, Tensor)

    def monai():
        from monai.utils import convert_data_type

        return lambda x: convert_data_type(x, output_type=Tensor)

    def skorch():
        from skorch.utils import to_tensor

        return lambda x: to_tensor(x, device="cpu")

    def scitex():
        from scitex_decorators import torch_fn

        return torch_fn(lambda x: None)

    guard = sk.torch_world(annotate(lambda x: None, x=Float32[Tensor, "n"], **{"return": None}))
    values = (np.zeros(8, np.float32),)
    makers = {"monai": monai, "skorch": skorch, "scitex": scitex}
    peers = {name: functools.partial(_calling, make, values) for name, make in makers.items()}
    return on(values, {"by hand": by_hand, "sekisho": guard}) | peers


def tensor_to_array():
    def by_hand(x):
        assert isinstance(x, Tensor)
        assert x.dtype == torch.float32
        assert x.ndim == 1
        assert not x.requires_grad
        assert torch._C._functorch.peek_interpreter_stack() is None
        assert not torch._C._is_tracing()
        x = x.numpy()
        x.flags.writeable = False
        assert isinstance(x, Array)

    def monai():
        from monai.utils import convert_data_type

        return lambda x: convert_data_type(x, output_type=Array)

    guard = sk.numpy_world(annotate(lambda x: None, x=Float32[Array, "n"], **{"return": None}))
    values = (torch.zeros(8),)
    peers = {"monai": functools.partial(_calling, monai, values)}
    return on(values, {"by hand": by_hand, "sekisho": guard}) | peers


# --- (f) containers, (g) a dataclass --------------------------------------------------------------


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


# --- (h) helpers ------------------------------------------------------------------------------------


def helper(kind, function, raw, *peers, arguments=lambda x: (x,)):
    """The raw operation stands in a function of the same parameters: a helper of one's own."""
    x = np.ones((2, 3), np.float32) if kind is Array else torch.ones(2, 3)
    makers = {"raw": lambda: raw, "sekisho": lambda: function, **dict(peers)}
    return {name: functools.partial(_calling, make, arguments(x)) for name, make in makers.items()}


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
        def batch(x: torch.Tensor):  # noqa: F811 - plum's way to overload
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


# --- (i) decoration, (l) an error, (o) threads ------------------------------------------------------


def decoration():
    """Each function is another one, with names of its own, as they are in a program."""
    x, y = np.ones((2, 2), np.float32), np.ones((2, 2), np.float32)

    def fresh(number):
        names = {}
        exec(f"def f{number}(x{number}, y{number}):\n    return x{number}", names)
        axes = [f"{axis}{number}" for axis in "bcd"]
        hints = {
            f"x{number}": Float32[Array, f"{axes[0]} {axes[1]}"],
            f"y{number}": Float32[Array, f"{axes[1]} {axes[2]}"],
            "return": Float32[Array, f"{axes[0]} {axes[2]}"],
        }
        return annotate(names[f"f{number}"], **hints)

    def make(decorate):
        functions = iter([fresh(number) for number in range(5000)])

        def decorate_and_call():
            decorate(next(functions))(x, y)

        return decorate_and_call

    return {
        "sekisho": lambda: make(sk.numpy_world),
        "jaxtyping + beartype": lambda: make(jaxtyped),
    }


def error():
    guard = sk.numpy_world(annotate(lambda x, y: x, x=Float32[Array, "b c"], y=Float32[Array, "c"]))
    x, y = np.ones((2, 2), np.float32), np.ones(3, np.float32)

    def fails():
        try:
            guard(x, y)
        except sk.ShapeError as refusal:
            return str(refusal)
        raise AssertionError

    return {"sekisho": lambda: fails}


def eight_threads():
    def make(function):
        def call():
            for _ in range(500):
                function()

        def run():
            threads = [threading.Thread(target=call) for _ in range(8)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()

        return run

    one = a_numpy()
    return {name: (lambda n=name: make(one[n]())) for name in ("by hand", "sekisho")}


WORKLOADS: dict[str, tuple[str, Any]] = {
    "a numpy": ("two arrays and a return", a_numpy),
    "a torch": ("two tensors and a return", a_torch),
    "b": ("one array, no return", one_array),
    "c": ("eight arguments, two of them arrays", eight_arguments),
    "d": ("variadic, broadcast and symbolic axes", harder_axes),
    "e to torch": ("a converting call, array to tensor", array_to_tensor),
    "e to numpy": ("a converting call, tensor to array", tensor_to_array),
    "f 10": ("a list of 10 tensors", functools.partial(list_of, 10)),
    "f 1,000": ("a list of 1,000 tensors", functools.partial(list_of, 1000)),
    "f 100,000": ("a list of 100,000 tensors", functools.partial(list_of, 100_000)),
    "f dict": ("a dict of 8 tensors", dict_batch),
    "g": ("a dataclass of five arrays, made", dataclass_of_five),
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
    "i": ("decoration and first call, one function", decoration),
    "l": ("an error raised and worded", error),
    "o": ("8 threads, 500 calls each", eight_threads),
}
