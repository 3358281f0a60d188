"""The losses of several tasks, averaged before the step."""

import numpy as np
import torch
from torch import nn


class MultiTask(nn.Module):
    def __init__(self, tasks):
        super().__init__()
        self.trunk = nn.Linear(6, 8)
        self.heads = nn.ModuleDict({name: nn.Linear(8, 1) for name in tasks})

    def losses(self, x, targets):
        hidden = self.trunk(x).relu()
        for name, head in self.heads.items():
            yield (head(hidden).squeeze(-1) - targets[name]).abs().mean()


def step(model, optimizer, x, targets):
    optimizer.zero_grad()
    values = [loss.item() for loss in model.losses(x, targets)]
    # instead: values = list(model.losses(x, targets))
    mean = np.mean(values)
    # instead: mean = torch.stack(values).mean()
    mean.backward()  # plant: array asked for gradients
    optimizer.step()
    return float(mean)


model = MultiTask(["depth", "normal"])
targets = {"depth": torch.zeros(5), "normal": torch.ones(5)}
step(model, torch.optim.SGD(model.parameters(), lr=0.1), torch.rand(5, 6), targets)
