"""Attention whose mask is made with NumPy."""

import numpy as np
import torch
from torch import nn


def causal_mask(length: int) -> np.ndarray:
    # instead: def causal_mask(length: int) -> torch.Tensor:
    return np.triu(np.ones((length, length), dtype=bool), k=1)
    # instead: return torch.ones(length, length, dtype=torch.bool).triu(1)


class Attention(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        self.query = nn.Linear(width, width)
        self.key = nn.Linear(width, width)
        self.mask = np.zeros((0, 0), dtype=bool)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        scores = self.query(x) @ self.key(x).mT
        hidden = causal_mask(x.shape[-2])
        scores = scores.masked_fill(hidden, float("-inf"))  # plant: array in a tensor's method
        return scores.softmax(-1) @ x


assert Attention(4)(torch.rand(2, 5, 4)).shape == (2, 5, 4)
