"""Features whitened by a projection that scikit-learn or NumPy has fitted."""

from typing import NamedTuple

import numpy as np
import torch


class Whitening(NamedTuple):
    mean: np.ndarray
    projection: np.ndarray


def fit(samples: np.ndarray) -> Whitening:
    mean = samples.mean(0)
    _, s, vt = np.linalg.svd(samples - mean, full_matrices=False)
    return Whitening(mean, vt.T / s)


def whiten(batch: torch.Tensor, by: Whitening) -> torch.Tensor:
    centred = batch - torch.from_numpy(by.mean)
    return centred.matmul(by.projection)  # plant: array in a tensor's method
    # instead: return centred.matmul(torch.from_numpy(by.projection))


samples = np.random.default_rng(0).normal(size=(30, 4))
assert whiten(torch.from_numpy(samples[:5]), fit(samples)).shape == (5, 4)
