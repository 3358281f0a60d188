"""A camera pose that is fitted to point pairs by gradient descent."""

import numpy as np
import torch


def initial_pose(points):
    rotation = np.zeros(3, dtype=np.float32)
    translation = points.mean(axis=0).astype(np.float32)
    return rotation, translation
    # instead: return tuple(torch.from_numpy(x).requires_grad_() for x in (rotation, translation))


def fit(points, targets, steps=3):
    rotation, translation = initial_pose(points)
    optimizer = torch.optim.Adam([rotation, translation], lr=0.01)  # plant: array to be optimized
    source, target = torch.from_numpy(points), torch.from_numpy(targets)
    for _ in range(steps):
        optimizer.zero_grad()
        turned = source + torch.cross(rotation.expand_as(source), source, dim=-1)
        residual = turned + translation - target
        residual.square().sum().backward()
        optimizer.step()


cloud = np.random.default_rng(0).normal(size=(20, 3)).astype(np.float32)
fit(cloud, cloud + 1)
