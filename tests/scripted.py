"""Guarded functions for TorchScript, which reads them in the file that they are defined in."""

import torch
from torch import Tensor

import sekisho as sk

TWICE = 2.0


@sk.torch_world
def helper(x: Tensor) -> Tensor:
    return torch.relu(x) * 2.0


@sk.torch_world
def outer(x: Tensor) -> Tensor:
    return helper(x) + 1
