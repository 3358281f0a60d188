"""A replay buffer that is allocated once and filled while acting."""

import numpy as np
import torch


class ReplayBuffer:
    def __init__(self, capacity, shape, dtype=torch.float32):
        # instead: def __init__(self, capacity, shape, dtype=np.float32):
        self.states = np.zeros((capacity, *shape), dtype=dtype)  # plant: array with torch's dtype
        self.rewards = np.zeros(capacity, dtype=np.float32)
        self.position = 0

    def push(self, state, reward):
        self.states[self.position] = state
        self.rewards[self.position] = reward
        self.position = (self.position + 1) % len(self.rewards)

    def sample(self, size):
        rows = np.random.default_rng(0).integers(0, self.position, size)
        return torch.from_numpy(self.states[rows]), torch.from_numpy(self.rewards[rows])


buffer = ReplayBuffer(10, (4,))
for reward in range(3):
    buffer.push(np.ones(4), reward)
states, rewards = buffer.sample(2)
