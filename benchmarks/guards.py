"""The workloads of guards (a to g): the same checks as two engineers write them, and by peers.

*By hand* checks each condition in an ``assert`` of its own, and compares dtypes by ``==``.
*Careful* is as fast as Python by hand gets without dropping a check: one ``assert`` for each value,
dtypes looked up in a set, and a shape read once, which fails to unpack if it has another number of
axes.
"""

from __future__ import annotations

import functools

import numpy as np
import torch
from contenders import Array, Tensor, annotate, jaxtyped, made_by, on
from jaxtyping import Float, Float32

import sekisho as sk

FLOAT32 = frozenset({np.dtype("float32"), torch.float32})
FLOATS = FLOAT32 | {np.dtype("float16"), np.dtype("float64"), torch.float16, torch.float64}


def world_of(kind):
    return sk.numpy_world if kind is Array else sk.torch_world


def ones(kind, *shape):
    return np.ones(shape, np.float32) if kind is Array else torch.ones(shape)


# --- (a) two arrays and a return ------------------------------------------------------------------


def carefully_two(kind, dtypes):
    def careful(x, y):
        assert isinstance(x, kind) and x.dtype in dtypes
        b, c = x.shape
        assert isinstance(y, kind) and y.dtype in dtypes
        height, d = y.shape
        assert height == c
        result = x
        assert isinstance(result, kind) and result.dtype in dtypes and result.shape == (b, d)
        return result

    return careful


def two_arrays(kind):
    dtype = np.float32 if kind is Array else torch.float32

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
        "careful by hand": lambda: carefully_two(kind, FLOAT32),
        "sekisho": lambda: world_of(kind)(annotated()),
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
    return made_by(makers, (ones(kind, 2, 2),) * 2)


def any_floats(kind):
    """Measure a set of several dtypes, where the one passed is not the most likely one."""
    hints = {"x": Float[kind, "b c"], "y": Float[kind, "c d"], "return": Float[kind, "b d"]}
    guard = world_of(kind)(annotate(lambda x, y: x, **hints))
    values = (np.ones((2, 2)) if kind is Array else torch.ones(2, 2, dtype=torch.float64),) * 2
    return on(values, {"careful by hand": carefully_two(kind, FLOATS), "sekisho": guard})


# --- (b) one array, (c) eight arguments, (d) harder axes -------------------------------------------


def one_array(kind):
    dtype = np.float32 if kind is Array else torch.float32

    def by_hand(x):
        assert isinstance(x, kind)
        assert x.dtype == dtype
        assert x.ndim == 2

    def careful(x):
        assert isinstance(x, kind) and x.dtype in FLOAT32 and x.ndim == 2

    guard = world_of(kind)(annotate(lambda x: None, x=Float32[kind, "b c"], **{"return": None}))
    contenders = {"by hand": by_hand, "careful by hand": careful, "sekisho": guard}
    return on((ones(kind, 2, 2),), contenders)


def eight(kind, by_hand, careful, plain):
    def function(x, y, a=1, b=2, c=3, *, d=4, e=5, f=6):
        pass

    annotate(function, x=Float32[kind, "b c"], y=Float32[kind, "c"], **plain)
    contenders = {
        "by hand": by_hand,
        "careful by hand": careful,
        "sekisho": world_of(kind)(function),
    }
    return on((ones(kind, 2, 2), ones(kind, 2), 5, 6), contenders)


def eight_annotated(kind):
    """Two arrays and six annotated integers."""
    dtype = np.float32 if kind is Array else torch.float32

    def by_hand(x, y, a=1, b=2, c=3, *, d=4, e=5, f=6):
        assert isinstance(x, kind)
        assert x.dtype == dtype
        assert x.ndim == 2
        assert isinstance(y, kind)
        assert y.dtype == dtype
        assert y.ndim == 1
        assert y.shape[0] == x.shape[1]
        assert isinstance(a, int)
        assert isinstance(b, int)
        assert isinstance(c, int)
        assert isinstance(d, int)
        assert isinstance(e, int)
        assert isinstance(f, int)

    def careful(x, y, a=1, b=2, c=3, *, d=4, e=5, f=6):
        assert isinstance(x, kind) and x.dtype in FLOAT32
        _, size = x.shape
        assert isinstance(y, kind) and y.dtype in FLOAT32 and y.shape == (size,)
        assert isinstance(a, int)
        assert isinstance(b, int)
        assert isinstance(c, int)
        assert isinstance(d, int)
        assert isinstance(e, int)
        assert isinstance(f, int)

    return eight(kind, by_hand, careful, dict.fromkeys("abcdef", int))


def eight_open(kind):
    """Two arrays, and six values without annotations that are no arrays of the other world."""
    dtype = np.float32 if kind is Array else torch.float32
    other = Tensor if kind is Array else Array

    def by_hand(x, y, a=1, b=2, c=3, *, d=4, e=5, f=6):
        assert isinstance(x, kind)
        assert x.dtype == dtype
        assert x.ndim == 2
        assert isinstance(y, kind)
        assert y.dtype == dtype
        assert y.ndim == 1
        assert y.shape[0] == x.shape[1]
        assert not isinstance(a, other)
        assert not isinstance(b, other)
        assert not isinstance(c, other)
        assert not isinstance(d, other)
        assert not isinstance(e, other)
        assert not isinstance(f, other)

    def careful(x, y, a=1, b=2, c=3, *, d=4, e=5, f=6):
        assert isinstance(x, kind) and x.dtype in FLOAT32
        _, size = x.shape
        assert isinstance(y, kind) and y.dtype in FLOAT32 and y.shape == (size,)
        assert not isinstance(a, other)
        assert not isinstance(b, other)
        assert not isinstance(c, other)
        assert not isinstance(d, other)
        assert not isinstance(e, other)
        assert not isinstance(f, other)

    return eight(kind, by_hand, careful, {})


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

    def careful(x, y, z):
        assert isinstance(x, Array) and x.dtype in FLOAT32
        *batch, n = x.shape
        assert isinstance(y, Array) and y.dtype in FLOAT32
        height, m = y.shape
        assert height in (1, n)
        assert isinstance(z, Array) and z.dtype in FLOAT32 and z.shape == (*batch, n + m)

    def annotated(x, y, z):
        pass

    annotate(
        annotated,
        x=Float32[Array, "*batch n"],
        y=Float32[Array, "#n m"],
        z=Float32[Array, "*batch n+m"],
    )
    values = tuple(np.ones(s, np.float32) for s in ((5, 2, 3), (1, 4), (5, 2, 7)))
    guard = sk.boundary(annotated)
    return on(values, {"by hand": by_hand, "careful by hand": careful, "sekisho": guard})


# --- (e) a converting call -------------------------------------------------------------------------


def array_to_tensor():
    def by_hand(x):
        assert isinstance(x, Array)
        assert x.dtype == np.float32
        assert x.ndim == 1
        assert x.flags.writeable
        assert all(stride >= 0 and stride % x.itemsize == 0 for stride in x.strides)
        x = torch.from_numpy(x)
        assert isinstance(x, Tensor)

    def careful(x):  # torch itself rejects strides that it cannot express
        assert isinstance(x, Array) and x.dtype in FLOAT32 and x.ndim == 1 and x.flags.writeable
        x = torch.from_numpy(x)

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
    contenders = {"by hand": by_hand, "careful by hand": careful, "sekisho": guard}
    return on(values, contenders) | made_by(makers, values)


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

    def careful(x):  # torch itself rejects tensors with gradients and under transforms
        assert isinstance(x, Tensor) and x.dtype in FLOAT32 and x.ndim == 1
        x = x.numpy()
        x.flags.writeable = False

    def monai():
        from monai.utils import convert_data_type

        return lambda x: convert_data_type(x, output_type=Array)

    guard = sk.numpy_world(annotate(lambda x: None, x=Float32[Array, "n"], **{"return": None}))
    values = (torch.zeros(8),)
    contenders = {"by hand": by_hand, "careful by hand": careful, "sekisho": guard}
    return on(values, contenders) | made_by({"monai": monai}, values)


GUARDS = {
    **{
        f"{key} {name}": (title.format(many=many, one=one), functools.partial(make, kind))
        for key, title, make in (
            ("a", "two {many} and a return", two_arrays),
            ("a any", "two {many} of float64 and a return, of any floats", any_floats),
            ("b", "one {one}, no return", one_array),
            (
                "c",
                "eight arguments, two {many} and six annotated integers",
                eight_annotated,
            ),
            (
                "c open",
                "eight arguments, two {many} and six that are not annotated",
                eight_open,
            ),
        )
        for name, kind, one, many in (
            ("numpy", Array, "array", "arrays"),
            ("torch", Tensor, "tensor", "tensors"),
        )
    },
    "d": ("variadic, broadcast and symbolic axes", harder_axes),
    "e to torch": ("a converting call, array to tensor", array_to_tensor),
    "e to numpy": ("a converting call, tensor to array", tensor_to_array),
}
