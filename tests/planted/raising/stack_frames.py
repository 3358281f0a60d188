"""Rendered frames, stacked into a video."""

import numpy as np
import torch


def render(time: float, size: int = 8) -> torch.Tensor:
    axis = torch.linspace(0, 1, size, device="cuda")
    wave = torch.sin(6 * (axis[:, None] + axis[None] + time))
    return ((wave + 1) * 127).to(torch.uint8)


def video(times):
    frames = [render(time) for time in times]
    return np.stack(frames)  # plant: tensor on a device in NumPy
    # instead: return np.stack([frame.cpu() for frame in frames])


clip = video(np.arange(0, 1, 0.25))
assert clip.shape == (4, 8, 8)
