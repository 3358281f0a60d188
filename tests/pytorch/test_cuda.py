"""Crossings between the host and a GPU. Skipped where there is none."""

from __future__ import annotations

import numpy as np
import pytest
from jaxtyping import Float, Float32

import sekisho as sk

pytestmark = pytest.mark.cuda


def test_an_array_goes_to_the_gpu_and_back(torch):
    array = np.arange(6.0).reshape(2, 3)
    with sk.record_crossings() as log:
        tensor = sk.to_torch(array, device="cuda")
        back = sk.to_numpy(tensor)
    assert tensor.device.type == "cuda"
    assert (back == array).all()
    assert [(c.source_device, c.target_device) for c in log] == [
        ("cpu", str(tensor.device)),
        (str(tensor.device), "cpu"),
    ]
    assert log[0].copied == f"it moved from cpu to {tensor.device.type}"
    assert log[1].copied == f"it moved from {tensor.device} to the host"
    with pytest.raises(sk.ConversionError, match="copy=False, but it moved"):
        sk.to_numpy(tensor, copy=False)


def test_a_module_takes_arrays_to_its_device_and_hands_results_back(torch):
    class Net(torch.nn.Linear):
        @sk.torch_world(device="module", returns="caller")
        def forward(self, x: Float32[torch.Tensor, "b 3"]) -> Float32[torch.Tensor, "b 4"]:
            assert x.device == self.weight.device
            return super().forward(x).detach()

    net = Net(3, 4).cuda()
    assert isinstance(net(np.zeros((2, 3), np.float32)), np.ndarray)
    assert net(torch.zeros(2, 3)).device.type == "cpu"
    assert net(torch.zeros(2, 3, device="cuda")).device.type == "cuda"
    with sk.mode("strict"), pytest.raises(sk.DeviceError, match=r"is on cpu, not cuda:0"):
        net(torch.zeros(2, 3))


def test_a_device_without_index_is_any_of_its_kind(torch):
    @sk.torch_world(device="cuda")
    def f(x: Float[torch.Tensor, "n"]):
        return x

    tensor = torch.zeros(3, device="cuda:0")
    assert f(tensor) is tensor
    assert f(torch.zeros(3)).device.type == "cuda"


def test_a_guard_on_the_gpu_does_not_synchronise(torch):
    @sk.torch_world(device="cuda")
    def f(x: Float[torch.Tensor, "n m"]) -> Float[torch.Tensor, "m n"]:
        return sk.transpose2d(x)

    tensor = torch.zeros(3, 4, device="cuda")
    torch.cuda.set_sync_debug_mode("error")
    try:
        f(tensor)
    finally:
        torch.cuda.set_sync_debug_mode("default")


def test_pinned_memory_is_shared_with_the_host(torch):
    pinned = torch.arange(3.0).pin_memory()
    assert sk.to_numpy(pinned).ctypes.data == pinned.data_ptr()


def test_a_copy_to_the_gpu_does_not_see_later_writes(torch):
    array = np.zeros(1 << 20)
    tensor = sk.to_torch(array, device="cuda")
    array += 1
    assert float(tensor.sum()) == 0


def test_results_go_back_to_the_callers_device(torch):
    @sk.torch_world(device="cuda", returns="caller")
    def f(x: torch.Tensor):
        return {"y": [x + 1]}

    assert f(torch.zeros(2))["y"][0].device.type == "cpu"
    assert f(torch.zeros(2, device="cuda"))["y"][0].device.type == "cuda"
    assert isinstance(f(np.zeros(2))["y"][0], np.ndarray)


def test_a_gpu_tensor_is_copied_to_the_host_by_a_guard(torch):
    @sk.numpy_world(returns="caller")
    def f(x: Float[np.ndarray, "n"]) -> Float[np.ndarray, "n"]:
        return x + 1

    assert f(torch.zeros(2, device="cuda")).tolist() == [1, 1]


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
@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::UserWarning")  # inductor's own
@pytest.mark.parametrize("mode", ["default", "reduce-overhead"])  # the latter is CUDA graphs
def test_compiled_by_inductor(torch, net, mode):
    torch._dynamo.reset()
    compiled = torch.compile(net, fullgraph=True, mode=mode)
    x = torch.rand(4, 3, device="cuda")
    for _ in range(4):  # a graph is recorded on the second run and replayed from the third
        torch.testing.assert_close(compiled(x).clone(), net(x))
    with pytest.raises(torch._dynamo.exc.Unsupported, match="axis 1 of 'x' is 2"):
        compiled(torch.rand(4, 2, device="cuda"))


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


def test_a_recording_sees_moves_waits_and_what_waits(torch):
    with sk.record_crossings(everywhere=True) as log:
        t = torch.ones(1000).cuda()
        t.to("cpu")
        t.sum().item()
        torch.cuda.synchronize()
        torch.as_tensor(np.ones(3), device="cuda")
    assert [(row.kind, row.operation.removeprefix("torch."), row.way) for row in log.rows] == [
        ("move", "Tensor.cuda", f"torch cpu -> torch {t.device}"),
        ("move", "Tensor.to", f"torch {t.device} -> torch cpu"),
        ("scalar", "Tensor.item", f"torch {t.device} -> python"),
        ("wait", "cuda.synchronize", "waits for torch cuda"),
        ("crossing", "as_tensor", f"numpy cpu -> torch {t.device}"),
    ]
