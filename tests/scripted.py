"""Guarded functions for TorchScript, which reads the source file that defines them."""

import torch
import torch.nn.functional as F  # noqa: N812 - the usual name
from torch import Tensor, nn

import sekisho as sk

TWICE = 2.0


@sk.torch_world
def helper(x: Tensor) -> Tensor:
    return torch.relu(x) * 2.0


@sk.torch_world
def outer(x: Tensor) -> Tensor:
    return helper(x) + 1


class Net(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.linear = nn.Linear(2, 2)

    @sk.torch_world
    def forward(self, x: Tensor) -> Tensor:
        return self.scaled(F.relu(self.linear(x))) + later(x)

    @sk.torch_world(on_foreign="refuse")
    def scaled(self, x: Tensor) -> Tensor:
        return torch.relu(x) * 2.0


@sk.torch_world
class Whole(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.inner = Net()

    def forward(self, x: Tensor) -> Tensor:
        return F.relu(self.inner(x))


class Around(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.inner = Net()
        self.linear = sk.torch_world(nn.Linear(2, 2))

    def forward(self, x: Tensor) -> Tensor:
        return self.inner(self.linear(x))


def later(x: Tensor) -> Tensor:
    return x + 1
