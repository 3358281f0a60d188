"""A training loop over mini-batches that are cut from arrays."""

import numpy as np
import torch
from torch import nn


def batches(x, y, size):
    order = np.random.default_rng(0).permutation(len(x))
    for start in range(0, len(x), size):
        rows = order[start : start + size]
        yield torch.from_numpy(x[rows]), y[rows]
        # instead: yield torch.from_numpy(x[rows]), torch.from_numpy(y[rows])


def train(model, x, y, epochs=1):
    criterion = nn.CrossEntropyLoss()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    for _ in range(epochs):
        for inputs, labels in batches(x, y, 4):
            optimizer.zero_grad()
            loss = criterion(model(inputs), labels)  # plant: array in a loss
            loss.backward()
            optimizer.step()


x = np.random.default_rng(1).normal(size=(12, 5)).astype(np.float32)
y = (x.sum(1) > 0).astype(np.int64)
train(nn.Linear(5, 2), x, y)
