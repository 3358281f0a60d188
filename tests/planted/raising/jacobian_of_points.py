"""Jacobians of a projection at many points at once."""

import numpy as np
import torch
from torch.func import jacrev, vmap


def project(point, focal=2.0):
    return focal * point[:2] / point[2]


def read_points(count):
    rng = np.random.default_rng(0)
    points = rng.normal(size=(count, 3))
    points[:, 2] += 5
    return points


def sensitivity(points):
    jacobians = vmap(jacrev(project))(points)  # plant: array in a distribution or transform
    # instead: jacobians = vmap(jacrev(project))(torch.from_numpy(points))
    return torch.linalg.matrix_norm(jacobians)


assert sensitivity(read_points(6)).shape == (6,)
