"""A trained codebook, exported for a program that only knows NumPy."""

import tempfile
from pathlib import Path

import numpy as np
import torch
from torch import nn


class Quantizer(nn.Module):
    def __init__(self, codes: int, width: int) -> None:
        super().__init__()
        self.codebook = nn.Parameter(torch.randn(codes, width))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        nearest = torch.cdist(x, self.codebook).argmin(-1)
        return self.codebook[nearest]


def export(quantizer: Quantizer, folder: Path) -> Path:
    path = folder / "codebook.npy"
    np.save(path, quantizer.codebook)  # plant: tensor saved or compared
    # instead: np.save(path, quantizer.codebook.detach())
    return path


with tempfile.TemporaryDirectory() as name:
    assert np.load(export(Quantizer(8, 3), Path(name))).shape == (8, 3)
