"""Measure whether one transfer of many small arrays is faster than one for each array.

python benchmarks/transfers.py

`to_torch`, `to_jax` and `to_numpy` convert the arrays of a batch one by one. For JAX this compares one
`jax.device_put` of a list with a call for each array. For PyTorch it needs CUDA: it compares `tensor.to`
for each array with one copy of a packed buffer that is split into views on the device.
"""

import statistics
import time

import numpy as np

COUNTS = 2, 20, 200
SHAPES = (4,), (64, 64), (512, 512)
ROUNDS = 15


def milliseconds(calls):
    """Return the median time of each call, measured in turns."""
    taken = {name: [] for name in calls}
    for number in range(ROUNDS + 1):
        for name, call in calls.items():
            start = time.perf_counter()
            call()
            if number:  # the first round warms up
                taken[name].append(time.perf_counter() - start)
    return {name: statistics.median(each) * 1e3 for name, each in taken.items()}


def of_jax(arrays):
    import jax

    import sekisho as sk

    wait = jax.block_until_ready
    return {
        "each": lambda: wait([jax.device_put(each) for each in arrays]),
        "one list": lambda: wait(jax.device_put(arrays)),
        "to_jax": lambda: wait(sk.to_jax(arrays)),
    }


def of_torch(arrays):
    import torch

    import sekisho as sk

    def waited(value):
        torch.cuda.synchronize()
        return value

    def packed():
        flat = [torch.from_numpy(each).reshape(-1) for each in arrays]
        sizes = [len(each) for each in flat]
        buffer = torch.empty(sum(sizes), dtype=flat[0].dtype, pin_memory=True)
        moved = torch.cat(flat, out=buffer).to("cuda", non_blocking=True)
        parts = zip(moved.split(sizes), arrays, strict=True)
        return [part.view(each.shape) for part, each in parts]

    return {
        "each": lambda: waited([torch.from_numpy(each).to("cuda") for each in arrays]),
        "packed": lambda: waited(packed()),
        "to_torch": lambda: waited(sk.to_torch(arrays, device="cuda")),
    }


def has_cuda():
    try:
        import torch
    except ImportError:
        return False
    return torch.cuda.is_available()


def has_jax():
    try:
        import jax
    except ImportError:
        return False
    return bool(jax.devices())


def main():
    libraries = {"JAX": (has_jax, of_jax), "PyTorch, CUDA": (has_cuda, of_torch)}
    for name, (is_there, calls_of) in libraries.items():
        if not is_there():
            print(f"{name}: skipped, it is not there")
            continue
        for shape in SHAPES:
            for count in COUNTS:
                arrays = [np.ones(shape, np.float32) for _ in range(count)]
                found = milliseconds(calls_of(arrays))
                words = ", ".join(f"{way} {taken:.2f} ms" for way, taken in found.items())
                print(f"{name}, {count} arrays of {shape}: {words}")


if __name__ == "__main__":
    main()
