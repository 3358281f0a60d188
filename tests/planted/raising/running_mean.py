"""A running mean of embeddings: an array that tensors are added to."""

import numpy as np
import torch


class RunningMean:
    def __init__(self, width):
        self.total = np.zeros(width)
        self.count = 0

    def update(self, batch):
        self.total += batch.sum(0)  # plant: tensor stored into an array
        # instead: self.total += batch.sum(0).numpy()
        self.count += len(batch)

    @property
    def value(self):
        return self.total / max(self.count, 1)


def main(batches=3):
    mean = RunningMean(4)
    for _ in range(batches):
        mean.update(torch.rand(5, 4))
    return mean.value


assert main().shape == (4,)
