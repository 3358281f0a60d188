"""Test-time augmentation that counts by the batch's size."""

import numpy as np
import torch


def flips(batch):
    yield batch
    yield np.ascontiguousarray(batch[..., ::-1])


def evaluate(predict, batch):
    seen = 0
    total = None
    for view in flips(batch):
        scores = predict(view)
        total = scores if total is None else total + scores
        seen += view.size(0)  # plant: array read as a tensor
        # instead: seen += view.shape[0]
    return total / (seen / len(batch))


def predict(batch):
    return torch.from_numpy(batch).flatten(1).mean(1).numpy()


images = np.random.default_rng(0).random((4, 3, 8, 8), dtype=np.float32)
assert evaluate(predict, images).shape == (4,)
