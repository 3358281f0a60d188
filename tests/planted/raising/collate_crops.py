"""Batches of random crops, put together by a collate function."""

import numpy as np
import torch
from torch.utils.data import DataLoader, Dataset


class Crops(Dataset):
    def __init__(self, images, size=8):
        self.images = images
        self.size = size
        self.rng = np.random.default_rng(0)

    def __len__(self):
        return len(self.images)

    def __getitem__(self, index):
        image = self.images[index]
        top, left = self.rng.integers(0, image.shape[0] - self.size, 2)
        crop = image[top : top + self.size, left : left + self.size]
        return crop.astype(np.float32) / 255, index % 2


def collate(items):
    crops, labels = zip(*items, strict=True)
    return torch.stack(crops), torch.tensor(labels)  # plant: array joined by torch
    # instead: return torch.stack([torch.from_numpy(crop) for crop in crops]), torch.tensor(labels)


images = [np.zeros((16, 20), np.uint8) for _ in range(6)]
for batch, _labels in DataLoader(Crops(images), batch_size=3, collate_fn=collate):
    assert batch.shape == (3, 8, 8)
