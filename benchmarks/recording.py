"""Measure what recording a whole program costs while it runs; later the libraries are unchanged."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import torch
from rounds import report
from torch import nn

import sekisho as sk

ROUNDS = 15


def training_step():
    """Run a step of a small CNN: 64 images of 32 x 32 from NumPy, and the loss as a number."""
    torch.manual_seed(0)
    network = nn.Sequential(
        *(nn.Conv2d(3, 16, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2)),
        *(nn.Conv2d(16, 32, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2)),
        *(nn.Flatten(), nn.Linear(32 * 8 * 8, 10)),
    )
    optimizer = torch.optim.Adam(network.parameters())
    images = np.random.default_rng(0).random((64, 3, 32, 32), np.float32)
    labels = np.arange(64) % 10

    def step():
        loss = nn.functional.cross_entropy(
            network(torch.from_numpy(images)), torch.from_numpy(labels)
        )
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        return loss.item()

    return step


def small_operations():
    """Run nine operations of a microsecond each; three of them cross."""
    t, a = torch.ones(4), np.ones(4, np.float32)

    def step():
        u = t[1:] * 2
        u.sum()
        b = a + a
        torch.from_numpy(b).numpy()
        u[0].item()

    return step


def no_crossings():
    """Run operations of a microsecond of each library, without crossings."""
    t, a = torch.ones(4), np.ones(4, np.float32)

    def step():
        u = (t + 1) * 2 - t
        u.sum()
        b = (a + 1) * 2 - a
        b.sum()

    return step


def nothing_but_crossings():
    """Convert an array to a tensor and back, without other work."""
    a = np.ones(4, np.float32)

    def step():
        torch.from_numpy(a).numpy()

    return step


def two_ranks():
    """Run operations of a microsecond on tensors of two ranks, which expand one of them."""
    t, u = torch.ones(4, 4), torch.ones(4)

    def step():
        v = (t + u) * u - t
        v.sum()

    return step


def timed(step, calls):
    start = time.perf_counter()
    for _ in range(calls):
        step()
    return (time.perf_counter() - start) / calls


CASES = (
    ("training", "a training step of a convolutional network", training_step, 3),
    ("small", "operations of a microsecond, three of nine crossing", small_operations, 1000),
    ("none", "operations of a microsecond, none crossing", no_crossings, 1000),
    ("ranks", "operations of a microsecond on tensors of two ranks", two_ranks, 1000),
    ("only", "nothing but crossings", nothing_but_crossings, 2000),
)


def measure(*, guarded, broadcasting):
    """Return the time of each case with recording, divided by that without.

    `guarded` adds a guard, `broadcasting` also records operations that expand both operands.

    Each is the fastest of the rounds: a recording cannot take turns call by call, so a slow moment
    of the machine would affect only one side of a round.
    """
    torch.set_num_threads(1)
    if guarded:  # once a guard exists, each crossing looks up whether it is inside a boundary
        sk.boundary(lambda x: x)
    word = " guarded" * guarded + " broadcasting" * broadcasting
    ratios = {}
    for name, title, make, calls in CASES:
        step = make()
        timed(step, calls)
        seconds = {"unrecorded": [], "recorded": []}
        for _ in range(ROUNDS):
            seconds["unrecorded"].append(timed(step, calls))
            # The first thousand crossings of a process are written one by one, at 15 microseconds
            # each. That happens once for each program, so it is not part of the case.
            with sk.record_crossings(everywhere=True, broadcasting=broadcasting, keep=0):
                timed(step, 1)
                seconds["recorded"].append(timed(step, calls))
        fastest = {key: min(taken) for key, taken in seconds.items()}
        report(f"{title}{word and ':'}{word}", fastest, "unrecorded")
        ratios[f"{name}{word}"] = fastest["recorded"] / fastest["unrecorded"]
    return ratios


def measure_all():
    """Measure each in a process of its own, since a guard of another measurement would count, too."""
    ratios = {}
    for words in ([], ["guarded"], ["broadcasting"]):
        command = [sys.executable, "-W", "ignore", Path(__file__), *words]
        done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
        *shown, last = done.stdout.splitlines()
        print("\n".join(shown))
        ratios |= json.loads(last)
    return ratios


if __name__ == "__main__":
    print(json.dumps(measure(**{word: word in sys.argv for word in ("guarded", "broadcasting")})))
