"""A histogram of scores after each epoch, kept in a callback."""

from collections.abc import Callable

import numpy as np
import torch
from torch import nn


class Histogram:
    def __init__(self, bins: int = 4) -> None:
        self.edges = np.linspace(0, 1, bins + 1)
        self.rows: list[np.ndarray] = []

    def __call__(self, scores, epoch):
        counts, _ = np.histogram(scores, self.edges)  # plant: tensor with gradients in NumPy
        # instead: counts, _ = np.histogram(scores.detach(), self.edges)
        self.rows.append(counts)


def fit(model: nn.Module, x: torch.Tensor, callbacks: list[Callable], epochs: int = 2) -> None:
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    for epoch in range(epochs):
        scores = model(x).sigmoid()
        nn.functional.binary_cross_entropy(scores, torch.ones_like(scores)).backward()
        optimizer.step()
        for callback in callbacks:
            callback(scores, epoch)


histogram = Histogram()
fit(nn.Linear(3, 1), torch.rand(10, 3), [histogram])
assert np.sum(histogram.rows) == 20
