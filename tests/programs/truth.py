"""A program that counts its crossings by itself: it has a counter at each of them.

It prints the counts by line: ``{line: [count, bytes]}``.
"""

import collections
import inspect
import json
import random
import sys
import threading

import numpy as np
import torch
from torch import as_tensor  # imported by name, before it could be wrapped
from torch.utils.data import default_collate

counted = collections.defaultdict(lambda: [0, 0])
lock = threading.Lock()


def note(nbytes, count=1, above=0):
    """Count a crossing on the caller's line, or on a line above it."""
    line = inspect.currentframe().f_back.f_lineno - above
    with lock:
        counted[line][0] += count
        counted[line][1] += nbytes


def arrays(number, random_state):
    for _ in range(number):
        shape = tuple(random_state.randrange(5) for _ in range(random_state.randrange(4)))
        dtype = random_state.choice(["float32", "float64", "int64", "int32", "bool", "complex64"])
        array = np.ones(shape, dtype)
        yield array[..., ::2] if array.ndim and random_state.random() < 0.3 else array


class Loss:
    def __call__(self, array):
        t = as_tensor(array)
        note(array.nbytes, above=1)
        back = t.numpy() if array.size % 2 else np.asarray(t)
        note(back.nbytes, above=1)
        return t


def worker(seed):
    loss = Loss()
    for array in arrays(60, random.Random(seed)):
        t = loss(array)
        copied = torch.tensor(array)
        note(copied.nbytes, above=1)
        both = np.concatenate([t.reshape(-1), t.reshape(-1)])
        note(both.nbytes, count=2, above=1)
        rows = [x for x in (torch.from_numpy(array), t) if x.ndim]
        note(array.nbytes, above=1)
        if rows:
            batch = default_collate([array, array])
            note(batch.nbytes, count=2, above=1)
        if array.size == 1:
            t.item(), float(t.real), t.tolist()
            note(2 * t.nbytes + t.real.nbytes, count=3, above=1)
        wide = t.numpy().astype("complex128")
        note(t.nbytes, above=1)
        scaled = t.to(torch.complex128) * wide
        # The operator calls NumPy, which converts the tensor to an array and the result back.
        note(scaled.nbytes + wide.nbytes, count=2, above=2)


def main():
    threads = [threading.Thread(target=worker, args=(seed,)) for seed in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    worker(17)
    json.dump(counted, sys.stdout)


if __name__ == "__main__":
    main()
