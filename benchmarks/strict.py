"""Measure the cost of strict mode's monitoring, and that other modes have no such cost."""

from __future__ import annotations

import torch
from rounds import measure, report

import sekisho as sk


def pointwise(rows, columns):
    """Run a dozen small operations: the shorter each is, the higher is the share of monitoring."""
    linear = torch.nn.Linear(columns, columns)

    def body(x):
        y = torch.relu(linear(x)) * 2 + x
        y = y.reshape(rows, columns // 2, 2).transpose(1, 2).softmax(-1)
        return y.sum(0) / y.norm()

    return body, torch.ones(rows, columns)


def training_step():
    """Run forward and backward through one transformer layer, batch 8 x 32 x 128."""
    layer = torch.nn.TransformerEncoderLayer(128, 4, 256, batch_first=True)

    def body(x):
        loss = layer(x).square().mean()
        loss.backward()
        return loss

    return body, torch.randn(8, 32, 128)


def in_strict_mode(body):
    guarded = sk.torch_world(body)

    def call(x):
        with sk.mode("strict"):
            return guarded(x)

    return call


def measure_all():
    """Return the time of each suite in strict mode, divided by the time without."""
    torch.set_num_threads(1)
    ratios = {}
    plain = {"guarded": sk.torch_world(lambda x: x)}
    before = measure(plain, torch.ones(2))
    for name, title, (body, x), calls in (
        ("4 x 4", "operations on 4 x 4", pointwise(4, 4), 100),
        ("64 x 256", "operations on 64 x 256", pointwise(64, 256), 100),
        ("256 x 512", "operations on 256 x 512", pointwise(256, 512), 10),
        ("training", "a training step of a transformer layer", training_step(), 5),
    ):
        contenders = {"unwatched": body, "watched": in_strict_mode(body)}
        seconds = measure(contenders, x, calls=calls)
        report(title, seconds, "unwatched")
        ratios[name] = seconds["watched"] / seconds["unwatched"]
    after = measure(plain, torch.ones(2))
    report(
        "a guarded call in mode convert",
        {"never strict": before["guarded"], "strict before": after["guarded"]},
        "never strict",
    )
    return ratios
