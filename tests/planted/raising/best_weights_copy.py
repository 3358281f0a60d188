"""Early stopping that keeps a copy of the best weights."""

import torch
from torch import nn


class EarlyStopping:
    def __init__(self, patience=2):
        self.patience = patience
        self.best = float("inf")
        self.weights = {}

    def update(self, loss, model):
        if loss < self.best:
            self.best = loss
            for name, value in model.state_dict().items():
                self.weights[name] = value.copy()  # plant: tensor with an array's method
                # instead: self.weights[name] = value.clone()
            return False
        self.patience -= 1
        return self.patience == 0


model = nn.Linear(3, 1)
stopping = EarlyStopping()
for _ in range(4):
    loss = model(torch.rand(5, 3)).square().mean()
    if stopping.update(loss.item(), model):
        break
model.load_state_dict(stopping.weights)
