"""Coarse labels, brought to the length of the frames."""

import torch


def coarse_labels(frames: int, step: int) -> torch.Tensor:
    return torch.arange(frames // step) % 3


def frame_labels(frames, step=4, *, labels=None):
    coarse = coarse_labels(frames, step) if labels is None else labels
    onehot = torch.nn.functional.one_hot(coarse, 3)
    return onehot.repeat(step, axis=0)  # plant: tensor with an array's keyword
    # instead: return onehot.repeat_interleave(step, dim=0)


tables = {frames: frame_labels(frames) for frames in (8, 16)}
assert all(len(table) == frames for frames, table in tables.items())
