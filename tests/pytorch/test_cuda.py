"""Crossings between the host and a GPU. Skipped without a GPU."""

from __future__ import annotations

import gc

import numpy as np
import pytest
from jaxtyping import Float, Float32, Shaped

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


DTYPES = "bool uint8 int8 int16 int32 int64 uint16 uint32 uint64 float16 float32 float64"
LAYOUTS = {
    "plain": lambda t: t,
    "transposed": lambda t: t.T,
    "strided": lambda t: t[:, ::2],
    "expanded": lambda t: t[:1].expand(5, 4),
    "without axes": lambda t: t[1, 2],
    "empty": lambda t: t[:0],
}


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("dtype", [*DTYPES.split(), "complex64", "complex128"])
def test_no_value_is_lost_on_the_way(torch, dtype, layout):
    host = torch.arange(12).reshape(3, 4).to(getattr(torch, dtype))
    there = LAYOUTS[layout](host.cuda())
    array = sk.to_numpy(there)
    assert array.dtype.name == dtype
    assert array.tolist() == LAYOUTS[layout](host).tolist()
    again = sk.to_torch(array, device="cuda")
    assert again.dtype == there.dtype
    assert again.cpu().tolist() == there.cpu().tolist()


@pytest.mark.parametrize("lazy", ["conj", "conj().imag", "neg"])
def test_what_is_lazy_on_the_gpu_is_resolved(torch, lazy):
    host = torch.tensor([1 + 2j, 3 - 4j])
    make = {
        "conj": lambda t: t.conj(),
        "conj().imag": lambda t: t.conj().imag,
        "neg": torch._neg_view,
    }[lazy]
    assert sk.to_numpy(make(host.cuda())).tolist() == make(host).tolist()


@pytest.mark.usefixtures("no_ml_dtypes")
def test_bfloat16_and_float8_are_refused_there_as_here(torch):
    for dtype in (torch.bfloat16, torch.float8_e4m3fn):
        with pytest.raises(sk.ConversionError, match="NumPy has no dtype") as caught:
            sk.to_numpy(torch.zeros(2, device="cuda").to(dtype))
        assert f"got {str(dtype).removeprefix('torch.')}[2] (PyTorch on cuda:0)" in str(
            caught.value
        )


def test_a_gradient_is_not_cut_and_flows_through_a_move(torch):
    x = torch.ones(2, device="cuda", requires_grad=True)
    with pytest.raises(sk.ConversionError, match="requires grad"):
        sk.to_numpy(x)
    assert sk.to_numpy(x, detach=True).tolist() == [1, 1]

    @sk.torch_world(device="cuda", returns="caller")
    def f(x: Float[torch.Tensor, "n"]) -> Float[torch.Tensor, "n"]:
        return x * 3

    leaf = torch.ones(2, requires_grad=True)
    f(leaf).sum().backward()
    assert leaf.grad.tolist() == [3, 3]


def test_sparse_tensors_are_refused_with_the_way_out(torch):
    with pytest.raises(sk.ConversionError, match=r"x\.to_dense\(\)"):
        sk.to_numpy(torch.eye(2, device="cuda").to_sparse())


def test_a_device_that_is_not_there_is_refused_in_our_words(torch):
    missing = torch.cuda.device_count()
    with pytest.raises(sk.ConversionError) as caught:
        sk.to_torch(np.zeros(2), device=f"cuda:{missing}")
    assert f"this machine cannot move it to cuda:{missing}: " in str(caught.value)


def test_running_out_of_memory_is_torchs_own_error(torch):
    torch.cuda.empty_cache()
    torch.cuda.set_per_process_memory_fraction(1e-3)
    try:
        with pytest.raises(torch.OutOfMemoryError):
            sk.to_torch(np.zeros(1 << 28, np.uint8), device="cuda")
    finally:
        torch.cuda.set_per_process_memory_fraction(1.0)


def test_no_memory_of_the_gpu_is_kept_by_a_guard_or_by_its_log(torch):
    @sk.torch_world(device="cuda")
    def f(x: Float32[torch.Tensor, "n m"]) -> Float32[torch.Tensor, "m n"]:
        return x.T

    def use():
        with sk.record_crossings() as log:
            f(np.zeros((512, 512), np.float32))
        for wrong in (torch.zeros(3, device="cuda"), torch.zeros(3, 3, 3)):
            with pytest.raises(sk.ShapeError):
                f(wrong)
        return log

    use()
    gc.collect()
    before = torch.cuda.memory_allocated()
    log = use()
    gc.collect()
    assert torch.cuda.memory_allocated() == before
    assert len(log) >= 1


def test_messages_name_the_device(torch):
    @sk.torch_world
    def f(x: Float32[torch.Tensor, "n m"]): ...

    with pytest.raises(sk.ShapeError) as caught:
        f(torch.zeros(3, device="cuda"))
    assert "got float32[3] (PyTorch on cuda:0)" in str(caught.value)


def test_a_copy_to_the_host_has_the_values_of_its_stream(torch):
    stream = torch.cuda.Stream()
    with torch.cuda.stream(stream):
        x = torch.zeros(1 << 20, device="cuda")
        torch.cuda._sleep(50_000_000)  # delays the write below
        x += 1
        assert sk.to_numpy(x).min() == 1


def test_a_transfer_in_flight_is_not_waited_for(torch):
    @sk.torch_world(device="cuda")
    def f(x: Float32[torch.Tensor, "n"]) -> Float32[torch.Tensor, "n"]:
        return x + 1

    pinned = torch.arange(1 << 20, dtype=torch.float32).pin_memory()
    f(pinned.cuda())
    torch.cuda.set_sync_debug_mode("error")
    try:
        result = f(pinned.to("cuda", non_blocking=True))
    finally:
        torch.cuda.set_sync_debug_mode("default")
    assert (sk.to_numpy(result) == np.arange(1, (1 << 20) + 1)).all()


def test_a_view_of_pinned_memory_is_pinned(torch):
    pinned = torch.arange(6.0).reshape(2, 3).pin_memory()

    @sk.same_world
    def first(x: Shaped[sk.Array, "n m"]) -> Shaped[sk.Array, "m"]:
        return x[0]

    assert first(pinned).is_pinned()
    assert sk.to_torch(sk.to_numpy(pinned)).is_pinned()


@pytest.mark.parametrize("call", ["x.numpy(force=True)", "x.sum().item()", "bool(x.any())"])
def test_strict_mode_sees_a_body_wait_for_the_gpu(torch, call):
    @sk.torch_world(scalars="refuse")
    def f(x: Float[torch.Tensor, "n"]):
        eval(call)  # one of the three texts above

    x = torch.zeros(3, device="cuda")
    f(x)
    with sk.mode("strict"), pytest.raises(sk.WorldError):
        f(x)


def test_the_helpers_stay_on_the_gpu(torch):
    host = torch.arange(24.0).reshape(2, 3, 4)
    there = host.cuda()
    for call in (
        sk.add_batch_dim,
        lambda x: sk.remove_batch_dim(x[:1]),
        lambda x: sk.transpose2d(x[0]),
        lambda x: sk.permute_dims(x, (2, 0, 1)),
        sk.channels_first,
        lambda x: sk.concat([x, x], axis=1),
        lambda x: sk.stack([x, x], axis=0),
    ):
        result = call(there)
        assert result.device.type == "cuda"
        assert (result.cpu() == call(host)).all()


def test_inputs_are_drawn_on_the_gpu_too(torch):
    from hypothesis import given, settings

    from sekisho.testing import inputs_of

    seen = set()

    @sk.torch_world
    def f(x: Float32[torch.Tensor, "n m"]):
        assert torch.isfinite(x).sum() <= x.numel()

    @given(inputs_of(f))
    @settings(max_examples=100, database=None)
    def test(call):
        args, options = call
        f(*args, **options)
        seen.add(args[0].device.type)

    test()
    assert seen == {"cpu", "cuda"}


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
