"""What a crossing costs beside the conversion and the checks written by hand."""

from __future__ import annotations

import numpy as np
import torch
from jaxtyping import Float32
from rounds import measure, report

import sekisho as sk


def to_tensor():
    """An array of 8 elements handed to a function that stays in PyTorch."""

    def by_hand(x):
        assert isinstance(x, np.ndarray)
        assert x.dtype == np.float32
        assert x.ndim == 1
        assert x.flags.writeable
        assert all(stride >= 0 and stride % x.itemsize == 0 for stride in x.strides)
        x = torch.from_numpy(x)
        assert isinstance(x, torch.Tensor)

    def annotated(x):
        return None

    annotated.__annotations__ = {"x": Float32[torch.Tensor, " n"], "return": None}
    return {"by hand": by_hand, "sekisho": sk.torch_world(annotated)}


def to_array():
    """A tensor of 8 elements handed to a function that stays in NumPy."""

    def by_hand(x):
        assert isinstance(x, torch.Tensor)
        assert x.dtype == torch.float32
        assert x.ndim == 1
        assert not x.requires_grad
        assert torch._C._functorch.peek_interpreter_stack() is None
        assert torch._C._get_tracing_state() is None
        x = x.numpy()
        x.flags.writeable = False
        assert isinstance(x, np.ndarray)

    def annotated(x):
        return None

    annotated.__annotations__ = {"x": Float32[np.ndarray, " n"], "return": None}
    return {"by hand": by_hand, "sekisho": sk.numpy_world(annotated)}


def main():
    copies()
    for title, make, value in (
        ("an array becomes a tensor", to_tensor, np.zeros(8, np.float32)),
        ("a tensor becomes an array", to_array, torch.zeros(8)),
    ):
        report(title, measure(make(), value))
        with sk.record_crossings():
            report(f"{title}, recorded", measure(make(), value, calls=1000))
    for n in (8, 256, 1 << 18, 1 << 28):
        array = np.zeros(n, np.float32)
        report(
            f"to_torch, shared, {array.nbytes:,} bytes",
            measure({"from_numpy": torch.from_numpy, "to_torch": sk.to_torch}, array, calls=1000),
            "from_numpy",
        )


def copies():
    """A reversed array has to be copied: at the speed of its own copy()."""
    array = np.zeros(1 << 24, np.float32)[::-1]
    contenders = {"ndarray.copy": lambda x: x.copy(), "to_torch": sk.to_torch}
    report(
        f"to_torch, copied, {array.nbytes:,} bytes",
        measure(contenders, array, calls=2),
        "ndarray.copy",
    )


if __name__ == "__main__":
    main()
