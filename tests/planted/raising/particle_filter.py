"""A particle filter whose state lives on the GPU."""

from functools import cached_property

import torch


class ParticleFilter:
    def __init__(self, count, device="cuda"):
        self.particles = torch.rand(count, 3, device=device)
        self.weights = torch.full((count,), 1 / count, device=device)

    def update(self, noise=0.1):
        self.particles = self.particles + noise * torch.randn_like(self.particles)

    @cached_property
    def mean(self):
        return (self.particles * self.weights[:, None]).sum(0)

    def pose(self):
        x, y, heading = self.mean.numpy()  # plant: tensor on a device by .numpy()
        # instead: x, y, heading = self.mean.cpu().numpy()
        return {"x": x, "y": y, "heading": heading}


tracker = ParticleFilter(20)
for _ in range(3):
    tracker.update()
assert set(tracker.pose()) == {"x", "y", "heading"}
