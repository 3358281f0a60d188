"""The program of each of two processes over the loopback, or of one process on a GPU.

Started by test_distributed.py and test_cuda_programs.py.
"""

from __future__ import annotations

import datetime as dt
import os
import sys

import numpy as np
import torch
import torch.distributed as dist
from jaxtyping import Float32
from torch.distributed.device_mesh import init_device_mesh

import sekisho as sk

DEVICE = torch.device("cpu")  # the fourth argument overrides it


class Net(torch.nn.Module):
    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.first = torch.nn.Linear(4, 8)
        self.second = torch.nn.Linear(8, 4)

    @sk.torch_world(device="module")
    def forward(self, x: Float32[torch.Tensor, "b 4"]) -> Float32[torch.Tensor, "b 4"]:
        return self.second(torch.relu(self.first(x)))


def refuses(error, call, *arguments):
    try:
        call(*arguments)
    except error as refusal:
        return str(refusal)
    raise AssertionError("it was not refused")


def train(wrapped):
    """Train one step on this rank's half of a batch; the gradients are those of the whole batch."""
    batch = torch.arange(16.0, device=DEVICE).reshape(4, 4)
    batch = batch[dist.get_rank() :: dist.get_world_size()]
    wrapped(batch).square().mean().backward()


def whole_gradients():
    net = Net().to(DEVICE)
    net(torch.arange(16.0, device=DEVICE).reshape(4, 4)).square().mean().backward()
    return [parameter.grad for parameter in net.parameters()]


def ddp():
    net = Net().to(DEVICE)
    wrapped = torch.nn.parallel.DistributedDataParallel(net)
    train(wrapped)
    for parameter, expected in zip(net.parameters(), whole_gradients(), strict=True):
        torch.testing.assert_close(parameter.grad, expected)
    assert "axis 1 of 'x' is 3" in refuses(sk.ShapeError, wrapped, torch.ones(2, 3))


def fsdp():
    from torch.distributed.fsdp import fully_shard

    mesh = init_device_mesh(DEVICE.type, (dist.get_world_size(),))
    net = Net().to(DEVICE)
    fully_shard(net.first, mesh=mesh)
    fully_shard(net, mesh=mesh)
    train(net)
    for parameter, expected in zip(net.parameters(), whole_gradients(), strict=True):
        torch.testing.assert_close(parameter.grad.full_tensor(), expected)
    weight = net.first.weight
    assert "it is a DTensor" in refuses(
        sk.ConversionError, lambda: sk.to_numpy(weight, detach=True)
    )
    assert "axis 1 of 'x' is 3" in refuses(sk.ShapeError, net, torch.ones(2, 3))


def dtensor():
    from torch.distributed.tensor import Shard, distribute_tensor

    mesh = init_device_mesh(DEVICE.type, (dist.get_world_size(),))
    rows = 4 // dist.get_world_size()  # rows of a shard
    x = torch.arange(8.0, device=DEVICE).reshape(4, 2)
    x = distribute_tensor(x, mesh, [Shard(0)])

    @sk.torch_world
    def whole(x: Float32[torch.Tensor, "4 2"]) -> Float32[torch.Tensor, "4 2"]:
        return x * 2

    @sk.torch_world(local=True)
    def shard(x: Float32[torch.Tensor, f"{rows} 2"]) -> Float32[torch.Tensor, f"{rows} 2"]:
        return x * 2

    assert (whole(x).full_tensor() == shard(x).full_tensor()).all()
    if rows < 4:
        refuses(sk.ShapeError, sk.torch_world(local=True)(whole.__wrapped__), x)
        refuses(sk.ShapeError, sk.torch_world(shard.__wrapped__), x)
    shard(torch.ones(rows, 2, device=DEVICE))  # a plain tensor is its own shard
    refuses(sk.WorldError, shard, [1.0])

    @sk.numpy_world
    def array(x: Float32[np.ndarray, "n m"]): ...

    assert "full_tensor()" in refuses(sk.ConversionError, array, x)


if __name__ == "__main__":
    name, rank, store, *device = sys.argv[1:]
    DEVICE = torch.device(device[0], 0) if device else DEVICE
    os.environ.setdefault("GLOO_SOCKET_IFNAME", "lo")
    os.environ.setdefault("NCCL_SOCKET_IFNAME", "lo")
    dist.init_process_group(
        "nccl" if device else "gloo",
        init_method=f"file://{store}",
        rank=int(rank),
        world_size=1 if device else 2,
        timeout=dt.timedelta(seconds=60),
        device_id=DEVICE if device else None,
    )
    try:
        {"ddp": ddp, "fsdp": fsdp, "dtensor": dtensor}[name]()
        dist.barrier()
    finally:
        dist.destroy_process_group()
