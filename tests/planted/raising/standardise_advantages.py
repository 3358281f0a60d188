"""Advantages of a rollout, standardised before the policy is updated."""

import torch


def discounted(rewards, gamma=0.9):
    total, found = 0.0, []
    for reward in reversed(rewards):
        total = reward + gamma * total
        found.append(total)
    return torch.tensor(found[::-1])


def advantages(rollouts):
    for rewards, values in rollouts:
        gain = discounted(rewards) - values
        spread = gain.std(ddof=1)  # plant: tensor with an array's keyword
        # instead: spread = gain.std(correction=1)
        yield (gain - gain.mean()) / (spread + 1e-8)


rollouts = [([1.0, 0.0, 2.0], torch.zeros(3)), ([0.5, 0.5], torch.ones(2))]
assert len(torch.cat(list(advantages(rollouts)))) == 5
