"""Batches whose items are sent to the device one by one."""

import numpy as np
import torch

DEVICE = torch.device("cpu")


def make_batch(size=4):
    rng = np.random.default_rng(0)
    return {
        "image": torch.from_numpy(rng.random((size, 3, 8, 8), dtype=np.float32)),
        "mask": rng.random((size, 8, 8)) > 0.5,
        # instead: "mask": torch.from_numpy(rng.random((size, 8, 8)) > 0.5),
        "label": torch.arange(size),
    }


def to_device(batch, device):
    image, label = batch["image"].to(device), batch["label"].to(device)
    mask = batch["mask"].to(device)  # plant: array with a tensor's method
    return image, mask, label


image, mask, label = to_device(make_batch(), DEVICE)
assert (image * mask[:, None]).shape == (4, 3, 8, 8)
