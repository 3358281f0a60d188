"""Depth maps whose invalid pixels are set to the farthest distance."""

from dataclasses import dataclass

import numpy as np
import torch


@dataclass
class Frame:
    depth: torch.Tensor
    valid: np.ndarray


def load_frame(seed: int) -> Frame:
    rng = np.random.default_rng(seed)
    depth = rng.uniform(0.5, 4.0, (4, 6)).astype(np.float32)
    return Frame(depth=torch.from_numpy(depth), valid=depth < 3.5)


def fill_invalid(frame: Frame, farthest: float = 10.0) -> torch.Tensor:
    far = torch.full_like(frame.depth, farthest)
    return torch.where(frame.valid, frame.depth, far)  # plant: array in a function of torch
    # instead: return torch.where(torch.from_numpy(frame.valid), frame.depth, far)


filled = [fill_invalid(load_frame(seed)) for seed in range(3)]
assert all(each.max() <= 10 for each in filled)
