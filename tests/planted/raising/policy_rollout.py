"""A policy that acts in an environment whose observations are arrays."""

import numpy as np
import torch
from torch import nn


class Environment:
    def __init__(self) -> None:
        self.rng = np.random.default_rng(0)

    def reset(self) -> np.ndarray:
        return self.rng.normal(size=4).astype("float32")

    def step(self, action: int) -> tuple[np.ndarray, float, bool]:
        return self.rng.normal(size=4).astype("float32"), float(action), False


def rollout(env: Environment, policy: nn.Module, steps: int = 5) -> float:
    total = 0.0
    observation = env.reset()
    for _ in range(steps):
        logits = policy(observation)  # plant: array in a module
        # instead: logits = policy(torch.from_numpy(observation))
        action = int(torch.argmax(logits))
        observation, reward, done = env.step(action)
        total += reward
        if done:
            break
    return total


rollout(Environment(), nn.Linear(4, 2))
