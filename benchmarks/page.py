"""A page of code that mixes NumPy and PyTorch, with twelve mistakes: each marked line raises."""

import numpy as np
import torch
from jaxtyping import Float
from torch import nn
from torch.nn import functional


class Head(nn.Module):
    def __init__(self, width: int, classes: int) -> None:
        super().__init__()
        self.project = nn.Linear(width, classes)

    def forward(
        self, x: Float[torch.Tensor, "batch width"]
    ) -> Float[torch.Tensor, "batch classes"]:
        columns = x.transpose(0, 1)
        return self.project(columns)  # raises: the axes of a layer


def attend(
    query: Float[torch.Tensor, "seq dim"], key: Float[torch.Tensor, "seq dim"]
) -> Float[torch.Tensor, "seq seq"]:
    scale = query.shape[-1] ** -0.5
    scores = query @ key  # raises: the axes of a product
    return (scores * scale).softmax(-1)


def blend(
    gray: Float[torch.Tensor, "h w"], color: Float[torch.Tensor, "h w 3"]
) -> Float[torch.Tensor, "h w"]:
    mean = color.mean(-1)
    turned = mean.T
    return gray + turned  # raises: the axes of a sum


def whiten(
    x: Float[np.ndarray, "n d"], weight: Float[np.ndarray, "d k"]
) -> Float[np.ndarray, "n k"]:
    centred = x - x.mean(axis=0)
    return weight @ centred  # raises: the axes of NumPy's product


def error(
    logits: Float[torch.Tensor, "n d"], target: Float[np.ndarray, "n d"]
) -> Float[torch.Tensor, ""]:
    difference = logits - logits.mean()
    return functional.mse_loss(difference, target)  # raises: an array in a loss


def threshold(probability: Float[torch.Tensor, "h w"]) -> Float[torch.Tensor, "h w"]:
    mask = probability > 0.5
    return mask.astype(torch.float32)  # raises: a method of NumPy


def normalise(x: Float[np.ndarray, "n d"]) -> Float[np.ndarray, "n d"]:
    length = np.linalg.norm(x, axis=1, keepdim=True)  # raises: a keyword of PyTorch
    return x / length


def prepare(rows):
    table = np.array(rows, dtype=np.float32)
    return table - table.mean(axis=0)


def collate(rows):
    first = prepare(rows)
    second = first[::-1].copy()
    return torch.stack([first, second])  # raises: arrays joined by PyTorch


def report(rows):
    features = torch.from_numpy(prepare(rows))
    model = nn.Linear(features.shape[1], 2)
    loss = model(features).sum()
    return np.round(loss, 3)  # raises: gradients in NumPy


def predict(rows):
    features = prepare(rows)
    batch = features.unsqueeze(0)  # raises: a method of PyTorch
    return batch.mean(1)


def distances(count):
    points = torch.zeros(count, 3)
    centres = torch.ones(4, 2)
    return points @ centres.T  # raises: the axes of plain code


def histogram():
    index = np.arange(6).reshape(2, 3)
    table = np.ones((4, 5))
    return index @ table  # raises: the axes of plain NumPy
