"""Whole programs on a GPU: streams, graphs, autocast, inductor, loaders, one rank of NCCL."""

from __future__ import annotations

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from jaxtyping import Float, Float32

import sekisho as sk

pytestmark = pytest.mark.cuda


@pytest.fixture
def net(torch):
    class Net(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.linear = torch.nn.Linear(3, 3)

        @sk.torch_world(device="module")
        def forward(self, x: Float[torch.Tensor, "b 3"]) -> Float[torch.Tensor, "b 3"]:
            return torch.relu(self.linear(x))

    return Net().cuda()


def test_a_guard_runs_on_the_current_stream(torch, net):
    x = torch.rand(4, 3, device="cuda")
    expected = net(x)
    stream = torch.cuda.Stream()
    stream.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(stream):
        result = net(x)
    stream.synchronize()
    torch.testing.assert_close(result, expected)


def test_autocast_and_scaled_gradients(torch, net):
    scaler = torch.amp.GradScaler("cuda")
    with torch.autocast("cuda", dtype=torch.float16):
        result = net(torch.rand(4, 3, device="cuda"))
    assert result.dtype == torch.float16
    scaler.scale(result.float().sum()).backward()
    assert net.linear.weight.grad is not None


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::UserWarning")  # from inductor
@pytest.mark.parametrize("mode", ["default", "reduce-overhead"])  # the latter is CUDA graphs
def test_compiled_by_inductor(torch, net, mode):
    torch._dynamo.reset()
    compiled = torch.compile(net, fullgraph=True, mode=mode)
    x = torch.rand(4, 3, device="cuda")
    for _ in range(4):  # a graph is recorded on the second run and replayed from the third
        torch.testing.assert_close(compiled(x).clone(), net(x))
    with pytest.raises(torch._dynamo.exc.Unsupported, match=r"axis 1 of \\?'x\\?' is 2"):
        compiled(torch.rand(4, 2, device="cuda"))
    torch._dynamo.reset()


def test_a_captured_graph_replays_a_guarded_module(torch, net):
    x = torch.rand(4, 3, device="cuda")
    net(x)
    graph = torch.cuda.CUDAGraph()
    stream = torch.cuda.Stream()
    stream.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(stream), torch.no_grad():
        net(x)
    torch.cuda.current_stream().wait_stream(stream)
    with torch.cuda.graph(graph), torch.no_grad():
        result = net(x)
    x.copy_(torch.ones_like(x))
    graph.replay()
    torch.testing.assert_close(result, net(torch.ones_like(x)).detach())


def test_bfloat16_autocast_of_a_compiled_module(torch, net):
    torch._dynamo.reset()
    compiled = torch.compile(net, fullgraph=True, backend="aot_eager")
    with torch.autocast("cuda", dtype=torch.bfloat16):
        result = compiled(x := torch.rand(4, 3, device="cuda"))
        torch.testing.assert_close(result, net(x))
    assert result.dtype == torch.bfloat16


def test_threads_with_streams_of_their_own(torch, net):
    def work(number):
        with torch.cuda.stream(torch.cuda.Stream()):
            x = torch.full((4, 3), float(number), device="cuda")
            return sk.to_numpy(net(x), detach=True)

    with ThreadPoolExecutor(8) as pool:
        results = list(pool.map(work, range(32)))
    for number, result in enumerate(results):
        expected = net(torch.full((4, 3), float(number), device="cuda"))
        np.testing.assert_allclose(result, sk.to_numpy(expected, detach=True), rtol=1e-5)


class Squares:
    """Arrays, as in a dataset."""

    def __len__(self):
        return 8

    def __getitem__(self, index):
        return np.full((3,), index, np.float32)


@sk.numpy_world
def together(rows: list[Float32[np.ndarray, "3"]]) -> Float32[np.ndarray, "b 3"]:
    return np.stack(rows)


def stacked(rows):
    return sk.to_torch(together(rows))


@pytest.mark.parametrize("workers", [0, 2])
@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::RuntimeWarning")  # about forks
def test_a_loader_pins_what_a_guarded_collate_made(torch, net, workers):
    loader = torch.utils.data.DataLoader(
        Squares(), batch_size=4, pin_memory=True, num_workers=workers, collate_fn=stacked
    )
    for batch in loader:
        assert batch.is_pinned()
        assert net(batch.to("cuda", non_blocking=True)).shape == (4, 3)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["ddp", "fsdp", "dtensor"])
def test_one_rank_of_nccl(torch, name, tmp_path):
    """One rank on a GPU does what two ranks do on the host."""
    if not torch.distributed.is_nccl_available():
        pytest.skip("this build of torch has no NCCL")
    ranks = Path(__file__).parent / "ranks.py"
    command = [sys.executable, "-W", "ignore", str(ranks), name, "0", str(tmp_path / "store")]
    done = subprocess.run(
        [*command, "cuda"], capture_output=True, text=True, timeout=150, check=False
    )
    assert done.returncode == 0, done.stderr
