"""Sinusoidal positions, as a parameter that is trained further."""

import numpy as np
import torch
from torch import nn


def sinusoids(length, width):
    position = np.arange(length)[:, None]
    rate = np.exp(-np.log(10000.0) * np.arange(0, width, 2) / width)
    table = np.zeros((length, width), dtype=np.float32)
    table[:, 0::2] = np.sin(position * rate)
    table[:, 1::2] = np.cos(position * rate)
    return table


class Positions(nn.Module):
    def __init__(self, length, width, *, trained=True):
        super().__init__()
        table = sinusoids(length, width)
        self.table = nn.Parameter(table, requires_grad=trained)  # plant: array to be optimized
        # instead: self.table = nn.Parameter(torch.from_numpy(table), requires_grad=trained)

    def forward(self, x):
        return x + self.table[: x.shape[1]]


assert Positions(16, 8)(torch.zeros(2, 5, 8)).shape == (2, 5, 8)
