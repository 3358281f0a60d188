"""What containers, dataclasses and unions cost beside the same checks written by hand."""

from __future__ import annotations

import dataclasses

import beartype
import numpy as np
import torch
from jaxtyping import Float32, Int64, jaxtyped
from rounds import measure, report

import sekisho as sk

IMAGE = Float32[torch.Tensor, "c h w"]


def lists():
    """A list of tensors: every item is checked, and all share their axes."""

    def by_hand(images):
        assert isinstance(images, list)
        first = images[0].shape
        for image in images:
            assert isinstance(image, torch.Tensor)
            assert image.dtype == torch.float32
            assert image.ndim == 3
            assert image.shape == first

    def annotated(images):
        return None

    annotated.__annotations__ = {"images": list[IMAGE], "return": None}
    return {
        "by hand": by_hand,
        "sekisho": sk.torch_world(annotated),
        "beartype (one item)": jaxtyped(typechecker=beartype.beartype)(annotated),
    }


def dicts():
    """A dict of tensors."""

    def by_hand(batch):
        assert isinstance(batch, dict)
        first = next(iter(batch.values())).shape
        for key, image in batch.items():
            assert isinstance(key, str)
            assert isinstance(image, torch.Tensor)
            assert image.dtype == torch.float32
            assert image.ndim == 3
            assert image.shape == first

    def annotated(batch):
        return None

    annotated.__annotations__ = {"batch": dict[str, IMAGE], "return": None}
    return {"by hand": by_hand, "sekisho": sk.torch_world(annotated)}


def dataclass_of_five():
    """Five arrays that share axes."""
    hint = Float32[np.ndarray, "n d"]
    fields = dict.fromkeys("abcde", hint)

    def make(checks):
        kind = dataclasses.make_dataclass("Batch", fields.items())
        if checks == "sekisho":
            return sk.numpy_world(kind)
        if checks == "beartype":
            return jaxtyped(typechecker=beartype.beartype)(kind)
        return kind

    class ByHand(make("none")):
        def __init__(self, a, b, c, d, e):
            assert isinstance(a, np.ndarray)
            assert a.dtype == np.float32
            assert a.ndim == 2
            for other in (b, c, d, e):
                assert isinstance(other, np.ndarray)
                assert other.dtype == np.float32
                assert other.shape == a.shape
            self.a, self.b, self.c, self.d, self.e = a, b, c, d, e

    return {
        "by hand": ByHand,
        "sekisho": make("sekisho"),
        "jaxtyping + beartype": make("beartype"),
    }


def unions():
    """A union of two arrays, given the second."""

    def by_hand(x):
        assert isinstance(x, np.ndarray)
        assert (x.dtype == np.float32 and x.ndim == 2) or (x.dtype == np.int64 and x.ndim == 1)

    hints = Float32[np.ndarray, "n d"] | Int64[np.ndarray, " n"]
    annotated.__annotations__ = {"x": hints, "return": None}
    return {"by hand": by_hand, "sekisho": sk.numpy_world(annotated)}


def main():
    for n in (10, 1_000, 10_000, 100_000):
        images = [torch.zeros(3, 8, 8)] * n
        report(f"a list of {n:,} tensors", measure(lists(), images, calls=max(20_000 // n, 1)))
    batch = {str(i): torch.zeros(3, 8, 8) for i in range(8)}
    report("a dict of 8 tensors", measure(dicts(), batch, calls=2000))
    arrays = [np.zeros((2, 3), np.float32)] * 5
    report("a dataclass of five arrays", measure(dataclass_of_five(), *arrays, calls=2000))
    report("a union of two, the second given", measure(unions(), np.zeros(3, np.int64)))


if __name__ == "__main__":
    main()
