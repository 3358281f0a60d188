"""A train and test split, into data loaders."""

import numpy as np
import torch
from torch.utils.data import DataLoader, TensorDataset


def split(x, y, share=0.75):
    cut = int(len(x) * share)
    return (x[:cut], y[:cut]), (x[cut:], y[cut:])


def make_loaders(x, y, batch_size=4):
    loaders = []
    for part in split(x, y):
        dataset = TensorDataset(*part)  # plant: array in torch's data tools
        # instead: dataset = TensorDataset(*map(torch.from_numpy, part))
        loaders.append(DataLoader(dataset, batch_size=batch_size))
    return loaders


x = np.random.default_rng(0).normal(size=(16, 3)).astype("float32")
y = x.sum(axis=1)
train, test = make_loaders(x, y)
assert all(torch.is_tensor(inputs) for inputs, _ in train)
