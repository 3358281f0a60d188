"""Eleven plain crossings. Each line that crosses says how often and how many bytes."""

import sys

import numpy as np
import torch
from torch.utils.data import DataLoader, Dataset


class Rows(Dataset):
    def __len__(self):
        return 8

    def __getitem__(self, index):
        return np.ones(3, np.float32) * index


def main(workers):
    a = np.ones(3, np.float32)
    t = torch.from_numpy(a)  # crosses: 1 x 12
    t.numpy()  # crosses: 1 x 12
    np.asarray(t)  # crosses: 1 x 12
    torch.as_tensor(a)  # crosses: 1 x 12
    np.exp(t)  # crosses: 2 x 24
    torch.tensor(a)  # crosses: 1 x 12
    np.stack([t, t])  # crosses: 2 x 24
    t * a  # crosses: 2 x 24
    for _ in range(5):
        t.detach().cpu().numpy()  # crosses: 5 x 60
    for _ in DataLoader(Rows(), batch_size=2, num_workers=workers):  # crosses: 8 x 96
        pass


if __name__ == "__main__":
    main(int(sys.argv[1]))
