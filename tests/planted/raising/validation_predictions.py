"""Predictions of all batches, joined at the end of an epoch."""

import torch
from torch import nn


class Validator:
    def __init__(self, model: nn.Module) -> None:
        self.model = model
        self.outputs: list = []

    @torch.no_grad()
    def step(self, batch: torch.Tensor) -> None:
        scores = self.model(batch).softmax(-1)
        self.outputs.append(scores.cpu().numpy())
        # instead: self.outputs.append(scores.cpu())

    def finish(self):
        scores = torch.cat(self.outputs)  # plant: array joined by torch
        self.outputs.clear()
        return scores.argmax(-1)


validator = Validator(nn.Linear(4, 3))
for _ in range(2):
    validator.step(torch.rand(5, 4))
assert len(validator.finish()) == 10
