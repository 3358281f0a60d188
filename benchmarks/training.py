"""A small transformer, with every module guarded and without guards: eager, and compiled."""

from __future__ import annotations

import warnings

import torch
from jaxtyping import Float  # noqa: TC002 - the guards need it at run time
from rounds import measure, report
from torch import Tensor, nn

import sekisho as sk

DIM, HEADS, BATCH, LENGTH = 128, 4, 8, 64


def unguarded(function):
    return function


def build(guard):
    """Return the model, with each `forward` decorated by `guard`."""
    torch.manual_seed(0)

    class Attention(nn.Module):
        def __init__(self):
            super().__init__()
            self.qkv, self.out = nn.Linear(DIM, 3 * DIM), nn.Linear(DIM, DIM)

        @guard
        def forward(self, x: Float[Tensor, "b t d"]) -> Float[Tensor, "b t d"]:
            b, t, d = x.shape
            q, k, v = self.qkv(x).view(b, t, 3, HEADS, d // HEADS).permute(2, 0, 3, 1, 4)
            y = nn.functional.scaled_dot_product_attention(q, k, v, is_causal=True)
            return self.out(y.transpose(1, 2).reshape(b, t, d))

    class Feed(nn.Module):
        def __init__(self):
            super().__init__()
            self.up, self.down = nn.Linear(DIM, 4 * DIM), nn.Linear(4 * DIM, DIM)

        @guard
        def forward(self, x: Float[Tensor, "b t d"]) -> Float[Tensor, "b t d"]:
            return self.down(nn.functional.gelu(self.up(x)))

    class Block(nn.Module):
        def __init__(self):
            super().__init__()
            self.attention, self.feed = Attention(), Feed()
            self.first, self.second = nn.LayerNorm(DIM), nn.LayerNorm(DIM)

        @guard
        def forward(self, x: Float[Tensor, "b t d"]) -> Float[Tensor, "b t d"]:
            x = x + self.attention(self.first(x))
            return x + self.feed(self.second(x))

    class Model(nn.Module):
        def __init__(self):
            super().__init__()
            self.blocks = nn.ModuleList(Block() for _ in range(2))

        @guard
        def forward(self, x: Float[Tensor, "b t d"]) -> Float[Tensor, "b t d"]:
            for block in self.blocks:
                x = block(x)
            return x

    return Model()


def training_step(model):
    optimizer = torch.optim.SGD(model.parameters(), lr=1e-3)

    def step(x):
        optimizer.zero_grad()
        model(x).square().mean().backward()
        optimizer.step()

    return step


def measure_all():
    """Return ratios of guarded to unguarded: a block's forward, a training step, the same compiled."""
    torch.set_num_threads(1)
    x = torch.randn(BATCH, LENGTH, DIM)
    guards = {"unguarded": unguarded, "sekisho": sk.torch_world}
    blocks = {name: build(guard).blocks[0] for name, guard in guards.items()}
    steps = {name: training_step(build(guard)) for name, guard in guards.items()}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # warnings of inductor
        compiled = {
            name: training_step(torch.compile(build(guard), fullgraph=True))
            for name, guard in guards.items()
        }
        ratios = {}
        for name, title, contenders, calls in (
            ("block", "forward of a transformer block, eager", blocks, 10),
            ("eager", "a training step, eager", steps, 3),
            ("compiled", "a training step, compiled by inductor", compiled, 3),
        ):
            seconds = measure(contenders, x, calls=calls)
            report(title, seconds, "unguarded")
            ratios[name] = seconds["sekisho"] / seconds["unguarded"]
    return ratios
