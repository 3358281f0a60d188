"""The filters of a first layer, as an image grid."""

import numpy as np
import torch
from torch import nn


def tile(filters, columns=4):
    low, high = filters.min(), filters.max()
    scaled = (filters - low) / (high - low)
    rows = [np.hstack(scaled[at : at + columns]) for at in range(0, len(scaled), columns)]
    return np.vstack(rows)


def first_filters(model):
    for module in model.modules():
        if isinstance(module, nn.Conv2d):
            weight = module.weight[:, 0]
            return weight.cpu().numpy()  # plant: tensor with gradients by .numpy()
            # instead: return weight.detach().cpu().numpy()
    return None


model = nn.Sequential(nn.Conv2d(3, 8, 5), nn.ReLU(), nn.Conv2d(8, 4, 3))
history = []
for _ in range(2):
    model.zero_grad()
    loss = model(torch.rand(2, 3, 12, 12)).square().mean()
    loss.backward()
    history.append({"loss": loss.item(), "filters": first_filters(model)})
assert tile(history[-1]["filters"]).shape == (10, 20)
