"""A stochastic policy whose mean comes from a table."""

import numpy as np
import torch
from torch.distributions import Normal


class TablePolicy:
    def __init__(self, states: int, actions: int) -> None:
        self.mean = np.zeros((states, actions))
        self.log_std = np.full(actions, -0.5)

    @property
    def std(self):
        return np.exp(self.log_std)

    def distribution(self, state):
        return Normal(self.mean[state], self.std)  # plant: array in a distribution or transform
        # instead: return Normal(*map(torch.from_numpy, (self.mean[state], self.std)))

    def act(self, state):
        action = self.distribution(state).sample()
        return action.numpy()


policy = TablePolicy(5, 2)
actions = np.stack([policy.act(state) for state in (0, 3, 1)])
assert torch.from_numpy(actions).shape == (3, 2)
