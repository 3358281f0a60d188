"""A heat map, laid over the picture that it explains."""
# needs: PIL

import numpy as np
import torch
from PIL import Image


def heatmap(activations: torch.Tensor) -> torch.Tensor:
    heat = activations.mean(0).relu()
    return (255 * heat / heat.max()).byte()


def overlay(picture: Image.Image, activations: torch.Tensor, alpha: float = 0.4) -> Image.Image:
    heat = Image.fromarray(heatmap(activations), mode=None)  # plant: tensor in PIL
    # instead: heat = Image.fromarray(heatmap(activations).numpy(), mode=None)
    return Image.blend(picture, heat.resize(picture.size).convert("RGB"), alpha)


picture = Image.fromarray(np.zeros((16, 12, 3), np.uint8))
assert overlay(picture, torch.rand(5, 4, 3)).size == (12, 16)
