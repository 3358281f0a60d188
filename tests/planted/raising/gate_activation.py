"""A NumPy feature pipeline whose last step was taken from a model."""

from functools import partial

import numpy as np
import torch


def scale(x, low=0.0, high=1.0):
    return (x - low) / (high - low)


def gate(x):
    return torch.sigmoid(x)  # plant: array in a function of torch
    # instead: return 1 / (1 + np.exp(-x))


steps = [partial(scale, low=-2.0, high=2.0), np.log1p, gate]
features = np.linspace(0, 1, 12).reshape(3, 4)
for step in steps:
    features = step(features)
assert torch.from_numpy(features).shape == (3, 4)
