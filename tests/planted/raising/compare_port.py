"""A port of a layer to NumPy, compared with the original."""

import numpy as np
import torch
from torch import nn


def linear(x, weight, bias):
    return x @ weight.T + bias


def check_port(layer, rows=5, *, atol=1e-4):
    x = np.random.default_rng(0).normal(size=(rows, layer.in_features)).astype(np.float32)
    weight, bias = (p.detach().numpy() for p in layer.parameters())
    ported = linear(x, weight, bias)
    original = layer(torch.from_numpy(x))
    np.testing.assert_allclose(ported, original, atol=atol)  # plant: tensor saved or compared
    # instead: np.testing.assert_allclose(ported, original.detach(), atol=atol)


for layer in (nn.Linear(3, 2), nn.Linear(2, 4)):
    check_port(layer)
