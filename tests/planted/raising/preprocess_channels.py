"""Images into the layout of a network, inside of a small pipeline class."""

import numpy as np
import torch


class Preprocess:
    def __init__(self, mean, std):
        self.mean = np.asarray(mean, dtype=np.float32)
        self.std = np.asarray(std, dtype=np.float32)

    def __call__(self, image):
        scaled = image.astype(np.float32) / 255
        normal = (scaled - self.mean) / self.std
        return normal.permute(2, 0, 1)  # plant: array with a tensor's method
        # instead: return torch.from_numpy(normal).permute(2, 0, 1)


preprocess = Preprocess([0.5, 0.5, 0.5], [0.2, 0.2, 0.2])
images = np.zeros((2, 8, 10, 3), dtype=np.uint8)
batch = [preprocess(image) for image in images]
assert torch.as_tensor(np.stack(batch)).shape == (2, 3, 8, 10)
