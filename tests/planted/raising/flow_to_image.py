"""Optical flow, from channels first to the layout of a plot."""

import torch


class FlowHead(torch.nn.Module):
    def __init__(self, channels=4):
        super().__init__()
        self.conv = torch.nn.Conv2d(channels, 2, 3, padding=1)

    def forward(self, features):
        return self.conv(features)


def arrows(flow, step=2):
    field = flow.transpose(1, 2, 0)  # plant: tensor read as an array
    # instead: field = flow.permute(1, 2, 0)
    return field[::step, ::step].reshape(-1, 2)


with torch.no_grad():
    flows = FlowHead()(torch.rand(3, 4, 8, 8))
assert sum(len(arrows(flow)) for flow in flows) == 48
