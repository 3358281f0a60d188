"""Every row of the table in docs/crossings.md, in both directions, with helpers and guards."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import numpy as np
import pytest

import sekisho as sk


def frozen(array):
    array.flags.writeable = False
    return array


class Exports:
    """Exports its memory as PIL's images do."""

    def __init__(self, array):
        self._array = array

    @property
    def __array_interface__(self):
        return self._array.__array_interface__


class ExportsDLPack:
    """Exports its memory as JAX's arrays do."""

    def __init__(self, array):
        self._array = array

    def __dlpack__(self, **options):
        return self._array.__dlpack__(**options)

    def __dlpack_device__(self):
        return self._array.__dlpack_device__()


def ml_dtype(name):
    return getattr(pytest.importorskip("ml_dtypes"), name)


SHARED, COPIED = "shared", "copied"

# Each row: a name, how to make the value, and the outcome: shared, copied, or part of the error.
TO_TORCH: dict[str, tuple[Any, str]] = {
    "plain": (lambda: np.arange(6.0), SHARED),
    "fortran order": (lambda: np.asfortranarray(np.ones((2, 3))), SHARED),
    "sliced": (lambda: np.arange(12.0)[1::3], SHARED),
    "0-d": (lambda: np.array(3), SHARED),
    "bool": (lambda: np.array([True]), SHARED),
    "uint64": (lambda: np.zeros(2, "u8"), SHARED),
    "ulonglong": (lambda: np.zeros(2, "Q"), SHARED),
    "complex": (lambda: np.ones(2, "c8"), SHARED),
    "nothing masked": (lambda: np.ma.masked_array([1.0, 2.0]), SHARED),
    "recarray field": (lambda: np.zeros(2, [("a", "f8")]).view(np.recarray).a, SHARED),
    "bfloat16": (lambda: np.arange(3).astype(ml_dtype("bfloat16")), SHARED),
    "float8": (lambda: np.arange(3).astype(ml_dtype("float8_e5m2")), SHARED),
    "exports its memory": (lambda: Exports(np.arange(3.0)), SHARED),
    "exports by dlpack": (lambda: ExportsDLPack(np.arange(3.0)), "either"),
    "read-only": (lambda: frozen(np.arange(3.0)), COPIED),
    "bytes": (lambda: np.frombuffer(b"abcd", "u1"), COPIED),
    "broadcast": (lambda: np.broadcast_to(np.arange(3.0), (4, 3)), COPIED),
    "reversed": (lambda: np.arange(3.0)[::-1], COPIED),
    "odd strides": (lambda: np.zeros(3, [("a", "f4"), ("b", "i1")])["a"], COPIED),
    "other byte order": (lambda: np.arange(3, dtype=">i4"), COPIED),
    "numpy scalar": (lambda: np.float32(0.1), COPIED),
    "longdouble": (lambda: np.zeros(1, "g"), "x.astype('float64')"),
    "clongdouble": (lambda: np.zeros(1, "G"), "x.astype('complex128')"),
    "object": (lambda: np.array([None]), "holds Python objects"),
    "text": (lambda: np.array(["a"]), "holds text"),
    "bytes dtype": (lambda: np.array([b"a"]), "holds bytes"),
    "StringDType": (lambda: np.array(["a"], np.dtypes.StringDType()), "holds text"),
    "datetime64": (lambda: np.zeros(1, "M8[s]"), "holds dates"),
    "timedelta64": (lambda: np.zeros(1, "m8[s]"), "holds time spans"),
    "structured": (lambda: np.zeros(1, [("a", "f4")]), "one field at a time: x['a']"),
    "void": (lambda: np.zeros(1, "V4"), "it is of raw bytes"),
    "int4": (lambda: np.zeros(1, ml_dtype("int4")), "which torch lacks"),
    "masked": (
        lambda: np.ma.masked_array([1.0], [True]),
        "fill them first, as in x.filled(...), or pass x.data and ~x.mask",
    ),
    "np.ma.masked": (
        lambda: np.ma.masked,
        "fill them first, as in x.filled(...), or pass x.data and ~x.mask",
    ),
    "unknown subclass": (lambda: np.ones(1).view(type("Q", (np.ndarray,), {})), "numpy.asarray(x)"),
}

TO_NUMPY: dict[str, tuple[str, str]] = {
    "plain": ("torch.arange(3.)", SHARED),
    "parameter": ("torch.nn.Parameter(torch.ones(2), requires_grad=False)", SHARED),
    "transposed": ("torch.ones(2, 3).T", SHARED),
    "0-d": ("torch.tensor(3)", SHARED),
    "expanded": ("torch.ones(1).expand(3)", SHARED),
    "overlapping": ("torch.arange(4.).unfold(0, 2, 1)", SHARED),
    "conj bit": ("torch.tensor([1+2j]).conj()", COPIED),
    "neg bit": ("torch.tensor([1+2j]).conj().imag", COPIED),
    "zero tensor": ("torch._efficientzerotensor(2)", COPIED),
    "requires grad": ("torch.ones(2, requires_grad=True)", "x.detach(), or the option detach=True"),
    "bfloat16": ("torch.zeros(2).bfloat16()", "unless ml_dtypes is imported\n  hint: x.float()"),
    "float8": ("torch.zeros(2).to(torch.float8_e4m3fn)", "x.float()"),
    "complex32": ("torch.zeros(2).to(torch.complex32)", "x.to(torch.complex64)"),
    "sub-byte": ("torch.empty(2, dtype=torch.uint4)", "NumPy has no dtype uint4"),
    "sparse": ("torch.eye(2).to_sparse()", "x.to_dense()"),
    "sparse csr": ("torch.eye(2).to_sparse_csr()", "x.to_dense()"),
    "mkldnn": ("torch.ones(2, 2).to_mkldnn()", "x.to_dense()"),
    "quantized": ("torch.quantize_per_tensor(torch.ones(2), 1., 0, torch.qint8)", "x.dequantize()"),
    "nested": (
        "torch.nested.nested_tensor([torch.ones(1), torch.ones(2)])",
        "take its tensors one by one, as in x.unbind()[...]",
    ),
    "meta": ("torch.ones(2, device='meta')", "it holds no values"),
    "over 64 axes": ("torch.ones([1] * 65)", "x.flatten()"),
    "uninitialised": ("torch.nn.UninitializedParameter()", "run the module once first"),
    "masked": (
        "torch.masked.masked_tensor(torch.ones(2), torch.tensor([True, False]))",
        "fill it first, as in x.to_tensor(...)",
    ),
    "user's subclass": (
        "torch.ones(2).as_subclass(type('Mine', (torch.Tensor,), {}))",
        "x.as_subclass(torch.Tensor)",
    ),
}


def annotated_guard(decorate, hint):
    def f(x):
        return x

    f.__annotations__ = {"x": hint}
    return decorate(f)


def routes_to_torch(torch):
    return {
        "to_torch": sk.to_torch,
        "to_world_of": lambda x: sk.to_world_of(x, torch.zeros(1)),
        "guard": annotated_guard(sk.torch_world, torch.Tensor),
    }


def routes_to_numpy(torch):
    return {
        "to_numpy": sk.to_numpy,
        "to_world_of": lambda x: sk.to_world_of(x, np.zeros(1)),
        "guard": annotated_guard(sk.numpy_world, np.ndarray),
    }


@pytest.mark.parametrize("route", ["to_torch", "to_world_of", "guard"])
@pytest.mark.parametrize("name", TO_TORCH)
def test_an_array_on_its_way_to_torch(name, route, torch):
    make, outcome = TO_TORCH[name]
    value = make()
    convert = routes_to_torch(torch)[route]
    if outcome not in {SHARED, COPIED, "either"}:
        with pytest.raises(sk.ConversionError) as caught:
            convert(value)
        assert outcome in str(caught.value)
        return
    with sk.record_crossings() as log:
        tensor = convert(value)
    array = getattr(value, "_array", value)
    assert tuple(tensor.shape) == np.shape(array)
    values = tensor.float() if tensor.dtype.itemsize < 4 and tensor.is_floating_point() else tensor
    assert np.array_equal(values.numpy(), np.asarray(array).astype(values.numpy().dtype))
    if outcome != "either" and not isinstance(value, np.generic):
        assert (log[0].copied is None) == (outcome == SHARED)
        shares = tensor.data_ptr() == np.asarray(array).ctypes.data
        assert shares == (outcome == SHARED)


@pytest.mark.filterwarnings("ignore::UserWarning", "ignore::DeprecationWarning")
@pytest.mark.parametrize("route", ["to_numpy", "to_world_of", "guard"])
@pytest.mark.parametrize("name", TO_NUMPY)
@pytest.mark.usefixtures("no_ml_dtypes")
def test_a_tensor_on_its_way_to_numpy(name, route, torch):
    import torch.masked

    code, outcome = TO_NUMPY[name]
    tensor = eval(code, {"torch": torch})
    convert = routes_to_numpy(torch)[route]
    if outcome not in {SHARED, COPIED}:
        with pytest.raises(sk.ConversionError) as caught:
            convert(tensor)
        assert outcome in str(caught.value)
        return
    with sk.record_crossings() as log:
        array = convert(tensor)
    assert (log[0].copied is None) == (outcome == SHARED)
    expected = tensor.resolve_conj().resolve_neg() if name != "zero tensor" else torch.zeros(2)
    assert array.tolist() == expected.tolist()
    if outcome == SHARED:
        assert array.ctypes.data == tensor.data_ptr()
        overlaps = name in {"expanded", "overlapping"}
        assert array.flags.writeable == (route != "guard" and not overlaps)


CRASHES = """
import warnings; warnings.simplefilter("error")
import numpy as np, torch, sekisho as sk
data = b"abcd"
tensor = sk.to_torch(np.frombuffer(data, "u1")); tensor += 1; assert data == b"abcd"
tensor = sk.to_torch(np.broadcast_to(np.arange(3.), (4, 3))); assert tensor.shape == (4, 3)
for array in (np.arange(3.)[::-1], np.arange(12.).reshape(3, 4)[::-1, ::-2]):
    assert (sk.to_torch(array).numpy() == array).all()
    assert (sk.to_world_of(array, torch.zeros(1)).numpy() == array).all()
    assert (sk.torch_world(lambda x: x)(array).numpy() == array).all()
def inside(x):
    try: sk.to_numpy(x)
    except sk.ConversionError: return x
    raise SystemExit("read uninitialised memory")
torch.func.functionalize(inside)(torch.ones(3))
print("alive")
"""


def test_what_could_crash_or_warn_once_a_process_does_neither(torch):
    done = subprocess.run(
        [sys.executable, "-c", CRASHES], capture_output=True, text=True, timeout=120, check=False
    )
    assert done.stdout.strip() == "alive", done.stderr


# --- gradients, and who shares with whom ------------------------------------------------------------


@pytest.mark.parametrize("kind", ["torch_world", "same_world"])
def test_a_guard_keeps_the_graph(kind, torch):
    @getattr(sk, kind)
    def f(x: sk.Array, y: sk.Array) -> sk.Array:
        return x * y

    x = torch.rand(3, dtype=torch.float64, requires_grad=True)
    y = torch.rand(3, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(f, (x, y))


def test_an_array_crossing_into_torch_is_shared_with_the_body(torch):
    @sk.torch_world
    def write(x):
        x[0] = 7

    array = np.zeros(3)
    write(array)
    assert array[0] == 7


def test_an_array_crossing_from_torch_is_read_only_in_the_body_and_a_copy_is_not(torch):
    @sk.numpy_world
    def shared(x):
        return x.flags.writeable

    @sk.numpy_world(copy=True)
    def copied(x):
        x[0] = 7
        return x.flags.writeable

    tensor = torch.zeros(3)
    assert not shared(tensor)
    assert copied(tensor)
    assert tensor[0] == 0


def test_a_round_trip_comes_back_as_the_same_memory(torch):
    @sk.numpy_world(returns="caller")
    def view(x):
        return x[1:]

    tensor = torch.arange(4.0)
    back = view(tensor)
    assert back.tolist() == [1, 2, 3]
    back += 1
    assert tensor.tolist() == [0, 1, 2, 3], "a read-only array comes back as a copy"
