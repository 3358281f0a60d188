"""A helper that makes tensors of whatever comes, but for one path."""

import numpy as np
import torch


def to_tensor(value, dtype=torch.float32):
    if isinstance(value, (list, tuple)):
        value = torch.tensor(value)
        # instead: value = np.array(value)
    elif isinstance(value, (int, float)):
        value = np.array([value])
    return torch.from_numpy(value).to(dtype)  # plant: tensor in from_numpy


sample = {"age": 31, "scores": [0.1, 0.7], "image": np.zeros((2, 2))}
tensors = {name: to_tensor(value) for name, value in sample.items()}
assert tensors["scores"].dtype == torch.float32
