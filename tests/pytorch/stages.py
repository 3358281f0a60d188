"""Guarded functions that workers import from this module."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch
from jaxtyping import Float32

import sekisho as sk


@sk.numpy_world
def center(x: Float32[np.ndarray, "n d"]) -> Float32[np.ndarray, "n d"]:
    return x - x.mean(axis=0)


@sk.torch_world(on_foreign="convert", returns="caller")
def predict(x: Float32[torch.Tensor, "n d"]) -> Float32[torch.Tensor, "n 2"]:
    return torch.stack([x.sum(1), x.prod(1)], dim=1)


def count_crossings(x):
    with sk.record_crossings() as log:
        predict(center(x))
    return log


def mode(_=None):
    return sk.get_mode()


class Digits(torch.utils.data.Dataset):
    def __init__(self, length: int = 6, bad: int | None = None) -> None:
        self.length, self.bad = length, bad

    def __len__(self) -> int:
        return self.length

    @sk.boundary
    def __getitem__(self, index: int) -> Float32[torch.Tensor, "2 2"]:
        size = 3 if index == self.bad else 2
        return sk.to_torch(np.full((size, 2), index, np.float32))


class Stream(torch.utils.data.IterableDataset):
    @sk.numpy_world
    def __iter__(self) -> Iterator[Float32[np.ndarray, "3"]]:
        for index in range(4):
            yield np.full(3, index, np.float32)
