"""What a guard costs beside the same checks written by hand.

`make bench` runs this. Contenders take turns, round by round, so that a slow moment of the
machine hits them all; the result is a ratio of medians, since seconds are not stable on shared
machines. benchmarks/README.md says what each number is.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile

import beartype
import jaxtyping
import numpy as np
import torch
from jaxtyping import Float32
from rounds import ROUNDS, measure, report

import sekisho as sk


def contenders(array_type, decorate):
    """Two arrays in, one out: unguarded, by hand, by sekisho, by jaxtyping with beartype."""
    float32 = np.float32 if array_type is np.ndarray else torch.float32

    def unguarded(x, y):
        return x

    def by_hand(x, y):
        assert isinstance(x, array_type)
        assert x.dtype == float32
        assert x.ndim == 2
        assert isinstance(y, array_type)
        assert y.dtype == float32
        assert y.ndim == 2
        assert y.shape[0] == x.shape[1]
        result = x
        assert isinstance(result, array_type)
        assert result.dtype == float32
        assert result.shape == (x.shape[0], y.shape[1])
        return result

    def annotated(x, y):
        return x

    annotated.__annotations__ = {
        "x": Float32[array_type, "b c"],
        "y": Float32[array_type, "c d"],
        "return": Float32[array_type, "b d"],
    }
    return {
        "unguarded": unguarded,
        "by hand": by_hand,
        "sekisho": decorate(annotated),
        "boundary": sk.boundary(annotated),
        "jaxtyping + beartype": jaxtyping.jaxtyped(typechecker=beartype.beartype)(annotated),
    }


def import_ratio():
    """`import sekisho` after `import numpy`, as a part of `import numpy`; bytecode compiled."""
    code = (
        "import time; a = time.perf_counter(); import numpy; b = time.perf_counter(); "
        "import sekisho; c = time.perf_counter(); print((c - b) / (b - a))"
    )
    with tempfile.TemporaryDirectory() as cache:
        environment = {**os.environ, "PYTHONPYCACHEPREFIX": cache}
        environment.pop("PYTHONDONTWRITEBYTECODE", None)
        command = [sys.executable, "-c", code]
        ratios = [
            float(subprocess.run(command, env=environment, capture_output=True, check=True).stdout)
            for _ in range(ROUNDS // 2 + 1)
        ][1:]  # the first round compiles
    return statistics.median(ratios)


def main():
    array = np.zeros((2, 2), np.float32)
    tensor = torch.zeros(2, 2)
    report(
        "two arrays and a return",
        measure(contenders(np.ndarray, sk.numpy_world), array, array),
        "by hand",
    )
    report(
        "two tensors and a return",
        measure(contenders(torch.Tensor, sk.torch_world), tensor, tensor),
        "by hand",
    )
    print(f"\nimport sekisho           {import_ratio():.3f} x import numpy")


if __name__ == "__main__":
    main()
