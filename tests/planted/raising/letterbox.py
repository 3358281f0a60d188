"""Images of several sizes, padded to one size before a batch is made."""

import numpy as np
import torch
import torch.nn.functional as F


def letterbox(image, size=(12, 12)):
    height, width = image.shape[-2:]
    pad_h, pad_w = size[0] - height, size[1] - width
    return F.pad(image, (0, pad_w, 0, pad_h), value=114)  # plant: array in a functional
    # instead: return F.pad(torch.from_numpy(image), (0, pad_w, 0, pad_h), value=114)


def make_batch(images):
    return torch.stack([letterbox(image) for image in images])


rng = np.random.default_rng(0)
images = [rng.random((3, h, w), dtype=np.float32) for h, w in ((8, 12), (12, 10))]
assert make_batch(images).shape == (2, 3, 12, 12)
