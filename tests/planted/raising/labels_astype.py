"""Predicted labels, turned into the integers that a file format asks for."""

import numpy as np
import torch
from torch import nn


@torch.no_grad()
def predict_labels(model, x, threshold=0.5):
    probability = torch.sigmoid(model(x)).squeeze(1)
    return (probability > threshold).astype("int32")  # plant: tensor with an array's method
    # instead: return (probability > threshold).numpy().astype("int32")


def encode(labels):
    changes = np.flatnonzero(np.diff(labels)) + 1
    return [len(run) for run in np.split(labels, changes)]


lengths = encode(predict_labels(nn.Linear(2, 1), torch.rand(9, 2)))
assert sum(lengths) == 9
