"""Batches of pictures, with the channels last, for a viewer."""

import numpy as np
import torch
from torch.utils.data import DataLoader


class Pictures(torch.utils.data.Dataset):
    def __init__(self, count):
        self.count = count

    def __len__(self):
        return self.count

    def __getitem__(self, index):
        return {"image": torch.full((3, 4, 5), float(index)), "index": index}


def for_viewer(loader):
    for batch in loader:
        images = np.moveaxis(batch["image"], 1, -1)  # plant: tensor refused by NumPy
        # instead: images = np.moveaxis(batch["image"].numpy(), 1, -1)
        yield from zip(batch["index"].tolist(), images, strict=True)


shown = dict(for_viewer(DataLoader(Pictures(4), batch_size=2)))
assert shown[3].shape == (4, 5, 3)
