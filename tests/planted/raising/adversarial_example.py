"""The sign of the gradient at an image: the fast gradient sign method."""

import numpy as np
import torch
from torch import nn


def attack(model, image, label, epsilon=0.03):
    x = image.astype(np.float32)[None]
    # instead: x = torch.from_numpy(image.astype(np.float32)[None])
    x.requires_grad_()  # plant: array asked for gradients
    loss = nn.functional.cross_entropy(model(x), torch.tensor([label]))
    loss.backward()
    return (x + epsilon * x.grad.sign()).detach().clamp(0, 1)


model = nn.Sequential(nn.Flatten(), nn.Linear(27, 4))
image = np.random.default_rng(0).random((3, 3, 3))
assert attack(model, image, 2).shape == (1, 3, 3, 3)
