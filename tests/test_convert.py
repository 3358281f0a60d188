"""A value converted to the other world is bit-equal, or rejected with a call that helps."""

from __future__ import annotations

import numpy as np
import pytest

import sekisho as sk

PLAIN = [
    *("bool", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64"),
    *("float16", "float32", "float64", "complex64", "complex128"),
]


def read_only(array):
    array.flags.writeable = False
    return array


@pytest.mark.parametrize("dtype", PLAIN)
@pytest.mark.parametrize(
    "layout",
    [
        lambda a: a,
        np.asfortranarray,
        lambda a: a[:, ::2],
        lambda a: a.T,
        lambda a: a[1:1],
        lambda a: a[:1, :1].reshape(()),
    ],
    ids=["c", "fortran", "sliced", "transposed", "empty", "0-d"],
)
def test_a_plain_array_is_shared_both_ways(dtype, layout, torch):
    array = layout((np.arange(12).reshape(3, 4) % 2).astype(dtype))
    tensor = sk.to_torch(array)
    assert tuple(tensor.shape) == array.shape
    assert str(tensor.dtype) == f"torch.{dtype}"
    assert (tensor.numpy() == array).all()
    assert array.size == 0 or tensor.data_ptr() == array.ctypes.data
    back = sk.to_numpy(tensor)
    assert back.dtype == array.dtype
    assert back.size == 0 or back.ctypes.data == array.ctypes.data
    assert back.flags.writeable


COPIED = {
    "read-only": (lambda: read_only(np.arange(3.0)), "it is read-only"),
    "from bytes": (lambda: np.frombuffer(b"abcdefgh", "i4"), "it is read-only"),
    "broadcast": (lambda: np.broadcast_to(np.arange(3.0), (1000, 3)), "it is read-only"),
    "reversed": (lambda: np.arange(3.0)[::-1], "it has a negative stride"),
    "odd strides": (
        lambda: np.zeros(3, [("a", "f4"), ("b", "i1")])["a"],
        "its strides are no multiples of its item size",
    ),
    "byte order": (lambda: np.arange(3, dtype=">i4"), "its byte order is not this machine's"),
}


@pytest.mark.parametrize("name", COPIED)
def test_what_cannot_be_shared_safely_is_copied_exactly(name, torch):
    make, reason = COPIED[name]
    array = make()
    with sk.record_crossings() as log:
        tensor = sk.to_torch(array)
    assert (tensor.numpy() == array).all()
    assert log[0].copied == reason
    with pytest.raises(sk.ConversionError, match=f"copy=False, but {reason} and has to be copied"):
        sk.to_torch(array, copy=False)
    if array.shape != (1000, 3):
        before = array.copy()
        tensor += 1
        assert (array == before).all()


def test_a_broadcast_axis_is_copied_once_and_expanded_back(torch):
    tensor = sk.to_torch(np.broadcast_to(np.arange(3.0), (1000, 3)))
    assert tensor.shape == (1000, 3)
    assert tensor.untyped_storage().nbytes() == 24


def test_unsigned_longlong_is_uint64(torch):
    array = np.array([2**63, 5], "Q")
    tensor = sk.to_torch(array)
    assert tensor.dtype == torch.uint64
    assert tensor.tolist() == [2**63, 5]


@pytest.mark.parametrize("scalar", [np.float32(0.1), np.uint64(2**63), np.bool_(True), np.int8(3)])
def test_a_numpy_scalar_keeps_its_dtype(scalar, torch):
    tensor = sk.to_torch(scalar)
    assert tensor.shape == ()
    assert sk.to_numpy(tensor) == scalar
    assert sk.to_numpy(tensor).dtype == scalar.dtype


REFUSED_ARRAYS = {
    "longdouble": (
        lambda: np.zeros(1, "g"),
        "longdouble, which torch lacks",
        "x.astype('float64')",
    ),
    "objects": (lambda: np.array([1, 2.5], "O"), "holds Python objects", "x.astype('float64')"),
    "text": (lambda: np.array(["a"]), "holds text", "class indices"),
    "bytes": (lambda: np.array([b"a"]), "holds bytes", "numpy.frombuffer"),
    "dates": (lambda: np.zeros(1, "M8[s]"), "holds dates", "x.astype('int64')"),
    "time spans": (lambda: np.zeros(1, "m8[s]"), "holds time spans", "x.astype('int64')"),
    "fields": (lambda: np.zeros(1, [("a", "f4")]), "is structured", "one field at a time: x['a']"),
    "masked": (
        lambda: np.ma.masked_array([1.0, 2], [0, 1]),
        "masks some",
        "fill them first, as in x.filled(...)",
    ),
    "the masked constant": (
        lambda: np.ma.masked,
        "masks some",
        "fill them first, as in x.filled(...)",
    ),
    "an unknown subclass": (
        lambda: np.zeros(1).view(type("Units", (np.ndarray,), {})),
        "whose meaning a tensor cannot keep",
        "numpy.asarray(x)",
    ),
}


@pytest.mark.parametrize("name", REFUSED_ARRAYS)
def test_an_array_that_would_change_is_refused_with_the_call_that_helps(name, torch):
    make, reason, hint = REFUSED_ARRAYS[name]
    with pytest.raises(sk.ConversionError) as caught:
        sk.to_torch(make())
    assert str(caught.value).startswith("to_torch() argument 'x': expected a tensor, or what ")
    assert reason in str(caught.value)
    assert hint in str(caught.value).partition("  hint: ")[2]


def test_a_masked_array_with_nothing_masked_is_shared(torch):
    array = np.ma.masked_array(np.arange(3.0))
    assert sk.to_torch(array).data_ptr() == array.data.ctypes.data


def test_a_memmap_is_shared_if_it_may_be_written(tmp_path, torch):
    path = tmp_path / "data"
    np.arange(3.0).tofile(path)
    writeable = np.memmap(path, "f8", "r+")
    assert sk.to_torch(writeable).data_ptr() == writeable.ctypes.data
    only_read = np.memmap(path, "f8", "r")
    tensor = sk.to_torch(only_read)
    tensor += 1
    assert (only_read == np.arange(3.0)).all()


def test_what_exports_its_memory_converts_like_an_array(torch):
    class Image:
        def __init__(self, array):
            self.array = array

        @property
        def __array_interface__(self):
            return self.array.__array_interface__

    array = np.arange(6, dtype="u1").reshape(2, 3)
    assert sk.to_torch(Image(array)).tolist() == array.tolist()
    assert sk.to_numpy(Image(array)).tolist() == array.tolist()

    @sk.torch_world
    def f(x: torch.Tensor):
        return x

    assert f(Image(array)).dtype == torch.uint8


@pytest.mark.parametrize(
    ("value", "numpy_hint", "torch_hint"),
    [
        ([1, 2], "numpy.asarray(x)", "numpy.asarray(x)"),
        (range(3), "numpy.asarray(x)", "numpy.asarray(x)"),
        (memoryview(b"ab"), "numpy.asarray(x)", "numpy.asarray(x)"),
    ],
)
def test_what_is_no_array_is_refused(value, numpy_hint, torch_hint, torch):
    with pytest.raises(sk.WorldError, match=r"^to_numpy\(\) argument 'x'") as caught:
        sk.to_numpy(value)
    assert numpy_hint in str(caught.value)
    with pytest.raises(sk.WorldError, match=r"^to_torch\(\) argument 'x'") as caught:
        sk.to_torch(value)
    assert torch_hint in str(caught.value)


def test_what_only_computes_an_array_is_refused():
    class Frame:
        def __array__(self):
            raise AssertionError("must not be asked")

        def to_numpy(self):
            raise AssertionError("must not be asked")

    with pytest.raises(sk.WorldError, match=r"a tests\.Frame is not an array$"):
        sk.to_numpy(Frame())


def refused_tensors(torch):
    from torch._subclasses.fake_tensor import FakeTensorMode

    zeros = torch.zeros
    with FakeTensorMode():
        fake = zeros(2)
    return {
        "requires grad": (zeros(2, requires_grad=True), "requires grad", "x.detach()"),
        "bfloat16": (
            zeros(2).bfloat16(),
            "NumPy has no dtype bfloat16 unless ml_dtypes is imported",
            "x.float()",
        ),
        "float8": (zeros(2).to(torch.float8_e5m2), "no dtype float8_e5m2", "x.float()"),
        "complex32": (zeros(2).to(torch.complex32), "no dtype complex32", "x.to(torch.complex64)"),
        "sparse": (zeros(2).to_sparse(), "its layout is sparse_coo", "x.to_dense()"),
        "meta": (zeros(2, device="meta"), "it holds no values", None),
        "fake": (fake, "it holds no values", None),
        "uninitialised": (torch.nn.UninitializedParameter(), "not initialised", "run the module"),
        "a subclass": (
            zeros(2).as_subclass(type("Mine", (torch.Tensor,), {})),
            "it is a Mine, whose meaning an array cannot keep",
            "x.as_subclass(torch.Tensor)",
        ),
        "nested": (
            torch.nested.nested_tensor([zeros(1), zeros(2)], layout=torch.jagged),
            "whose meaning an array cannot keep",
            "take its tensors one by one, as in x.unbind()[...]",
        ),
        "65 axes": (zeros([1] * 65), "65 axes, and an array at most 64", "x.flatten()"),
    }


@pytest.mark.filterwarnings("ignore::UserWarning", "ignore::DeprecationWarning")
@pytest.mark.parametrize(
    "name",
    [
        *("requires grad", "bfloat16", "float8", "complex32", "sparse", "meta", "fake"),
        *("uninitialised", "a subclass", "nested", "65 axes"),
    ],
)
@pytest.mark.usefixtures("no_ml_dtypes")
def test_a_tensor_that_would_change_is_refused_with_the_call_that_helps(name, torch):
    tensor, reason, hint = refused_tensors(torch)[name]
    with pytest.raises(sk.ConversionError) as caught:
        sk.to_numpy(tensor)
    assert str(caught.value).startswith("to_numpy() argument 'x': expected an array, or what conv")
    assert reason in str(caught.value)
    assert (f"hint: {hint}" if hint else reason) in str(caught.value)
    assert ("hint: " in str(caught.value)) is (hint is not None)


def test_lazy_conjugates_negatives_and_zeros_are_copied_exactly(torch):
    z = torch.tensor([1 + 2j, 3 - 4j])
    assert sk.to_numpy(z.conj()).tolist() == [1 - 2j, 3 + 4j]
    assert sk.to_numpy(z.conj().imag).tolist() == [-2.0, 4.0]
    assert sk.to_numpy(torch._efficientzerotensor(2)).tolist() == [0.0, 0.0]
    with pytest.raises(sk.ConversionError, match="lazy conjugate"):
        sk.to_numpy(z.conj(), copy=False)


def test_an_expanded_tensor_is_shared_read_only(torch):
    array = sk.to_numpy(torch.zeros(3, 1).expand(3, 4))
    assert not array.flags.writeable
    overlapping = torch.zeros(4).unfold(0, 2, 1)
    assert not sk.to_numpy(overlapping).flags.writeable
    assert sk.to_numpy(torch.zeros(4, 4)[::2, ::2].T).flags.writeable


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_inside_a_transform_or_a_trace_nothing_is_converted(torch):
    def through(x):
        sk.to_numpy(x.detach())
        return x.sum()

    x = torch.ones(2)
    for transformed in (torch.func.vmap(through), torch.func.grad(through)):
        with pytest.raises(sk.ConversionError, match=r"inside a torch\.func transform"):
            transformed(torch.ones(2, 2) if transformed.__name__ == "vmap" else x)
    with pytest.raises(sk.ConversionError, match=r"inside a torch\.func transform"):
        torch.func.functionalize(through)(x)
    with torch.autograd.forward_ad.dual_level():
        dual = torch.autograd.forward_ad.make_dual(x, x)
        with pytest.raises(sk.ConversionError, match="forward-mode dual"):
            sk.to_numpy(dual)
        assert sk.to_numpy(x).tolist() == [1, 1]
    from torch.fx.experimental.proxy_tensor import make_fx

    with pytest.raises(sk.ConversionError, match="frozen into the trace"):
        make_fx(through)(x)


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_inside_jit_trace_nothing_is_converted(torch):
    def through(x):
        sk.to_numpy(x)
        return x

    with pytest.raises(sk.ConversionError, match="frozen into the trace"):
        torch.jit.trace(through, (torch.ones(2),))


def test_copy_and_detach_of_the_helpers(torch):
    array, tensor = np.zeros(2), torch.zeros(2)
    assert sk.to_torch(array, copy=True).data_ptr() != array.ctypes.data
    assert sk.to_numpy(tensor, copy=True).ctypes.data != tensor.data_ptr()
    assert sk.to_numpy(torch.ones(2, requires_grad=True), detach=True).tolist() == [1, 1]
    assert sk.to_numpy(array) is array
    assert sk.to_torch(tensor) is tensor


def test_to_world_of_goes_where_the_other_is(torch, second_device):
    array, tensor = np.zeros(2), torch.zeros(2)
    assert sk.to_world_of(array, tensor).data_ptr() == array.ctypes.data
    assert sk.to_world_of(tensor, array).ctypes.data == tensor.data_ptr()
    assert sk.to_world_of(array, array) is array
    assert sk.to_world_of(tensor, torch.zeros(1, device=second_device)).device.type == second_device
    with pytest.raises(sk.WorldError, match=r"to_world_of\(\) argument 'like'"):
        sk.to_world_of(array, [1])


def test_a_device_that_does_not_exist_is_an_error_of_ours(torch):
    with pytest.raises(
        sk.DeviceError, match=r"^to_torch\(\) argument 'device': expected a device, got "
    ):
        sk.to_torch(np.zeros(2), device="quantum")


def test_a_tensor_on_another_device_is_copied_to_where_it_is_wanted(torch, second_device):
    with sk.record_crossings() as log:
        moved = sk.to_torch(torch.zeros(2), device=second_device)
    assert moved.device.type == "meta"
    assert log[0].copied == "it moved from cpu to meta"
    with pytest.raises(sk.ConversionError, match="copy=False, but it moved"):
        sk.to_torch(torch.zeros(2), device=second_device, copy=False)
