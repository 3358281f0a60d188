"""Sequences of several lengths, written into one padded tensor."""

import numpy as np
import torch


def read_sequences(count):
    rng = np.random.default_rng(0)
    return [rng.normal(size=(length, 3)).astype(np.float32) for length in range(2, count + 2)]


def pad(sequences, value=0.0):
    longest = max(map(len, sequences))
    padded = torch.full((len(sequences), longest, 3), value)
    mask = torch.zeros(len(sequences), longest, dtype=torch.bool)
    for row, sequence in enumerate(sequences):
        padded[row, : len(sequence)] = sequence  # plant: array stored into a tensor
        # instead: padded[row, : len(sequence)] = torch.from_numpy(sequence)
        mask[row, : len(sequence)] = True
    return padded, mask


padded, mask = pad(read_sequences(4))
assert padded[~mask].sum() == 0
