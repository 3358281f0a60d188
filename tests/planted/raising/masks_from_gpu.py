"""Segmentation masks, back from the GPU."""

import numpy as np
import torch
from torch import nn

device = torch.device("cuda")
model = nn.Conv2d(3, 2, 1).to(device).eval()


@torch.inference_mode()
def segment(image: np.ndarray) -> np.ndarray:
    x = torch.from_numpy(image).permute(2, 0, 1)[None].to(device)
    mask = model(x).argmax(1)
    return mask[0].numpy()  # plant: tensor on a device by .numpy()
    # instead: return mask[0].cpu().numpy()


image = np.random.default_rng(0).random((6, 8, 3), dtype=np.float32)
assert segment(image).shape == (6, 8)
