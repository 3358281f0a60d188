"""bfloat16 and float8: NumPy has them only if the program has imported ml_dtypes."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
from jaxtyping import BFloat16, Float, Float32, Shaped

import sekisho as sk

torch = pytest.importorskip("torch")
ml_dtypes = pytest.importorskip("ml_dtypes")

SHARED = [
    name
    for name in dir(torch)
    if isinstance(getattr(torch, name), torch.dtype)
    and hasattr(ml_dtypes, name)
    and name.startswith(("float", "bfloat", "complex"))
]
LAYOUTS = {
    "plain": lambda t: t,
    "0-d": lambda t: t[3],
    "empty": lambda t: t[:0],
    "strided": lambda t: t[1::3],
    "transposed": lambda t: t.reshape(8, -1).T,
    "expanded": lambda t: t[:1].expand(5),
    "overlapping": lambda t: t.unfold(0, 3, 1),
}


def every_bit_pattern(name):
    """Return a tensor of every value of a dtype, with NaNs and infinities; at most 65,536."""
    itemsize = getattr(torch, name).itemsize
    bits = np.arange(2 ** min(8 * itemsize, 16), dtype=np.uint32) * (65537 if itemsize == 4 else 1)
    return torch.from_numpy(bits.astype(f"u{itemsize}")).view(getattr(torch, name))


def bits_of(array):
    return np.ascontiguousarray(array).view(f"u{array.dtype.itemsize}").tolist()


def guard(hint, decorate=sk.numpy_world):
    def f(x):
        return x

    f.__annotations__ = {"x": hint}
    return decorate(f)


ROUTES = {
    "to_numpy": sk.to_numpy,
    "to_world_of": lambda x: sk.to_world_of(x, np.zeros(1)),
    "annotated": guard(Shaped[np.ndarray, "..."]),
    "plain": guard(np.ndarray),
    "list": lambda x: guard(list[Shaped[np.ndarray, "..."]])([x])[0],
    "unannotated": sk.numpy_world(lambda x: x),
    "caller": lambda x: sk.torch_world(returns="caller")(lambda _: x)(np.ones(1)),
}


def test_the_dtypes_that_both_have_are_found():
    assert {"bfloat16", "float8_e4m3fn", "float8_e5m2fnuz"} <= {*SHARED}


@pytest.mark.filterwarnings("ignore:ComplexHalf")
@pytest.mark.parametrize("route", ROUTES)
@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("name", SHARED)
def test_a_tensor_becomes_an_array_of_the_same_bits_and_memory_and_comes_back(name, layout, route):
    tensor = LAYOUTS[layout](every_bit_pattern(name))
    array = ROUTES[route](tensor)
    assert array.dtype == np.dtype(getattr(ml_dtypes, name))
    assert array.shape == tuple(tensor.shape)
    itemsize = tensor.dtype.itemsize
    bits = tensor.view({1: torch.uint8, 2: torch.uint16, 4: torch.uint32}[itemsize])
    assert bits_of(array) == np.ascontiguousarray(bits.numpy()).tolist()
    assert array.size == 0 or array.ctypes.data == tensor.data_ptr()
    back = sk.to_torch(array)
    assert back.dtype == tensor.dtype
    assert bits_of(sk.to_numpy(back)) == bits_of(array)


@pytest.mark.filterwarnings("ignore:ComplexHalf")
def test_what_is_lazy_is_copied_bit_by_bit():
    z = torch.tensor([1 + 2j, 3 - 4j]).to(torch.complex32)
    lazy = {
        "negative": (torch._neg_view(torch.ones(2).bfloat16()), [-1.0, -1.0]),
        "zero": (torch._efficientzerotensor(2, dtype=torch.bfloat16), [0.0, 0.0]),
    }
    if hasattr(ml_dtypes, "complex32"):
        lazy["conjugate"] = (z.conj(), [1 - 2j, 3 + 4j])
    for tensor, values in lazy.values():
        assert [complex(each) for each in sk.to_numpy(tensor)] == values
        with pytest.raises(sk.ConversionError, match="it is a lazy conjugate, negative or zero"):
            sk.to_numpy(tensor, copy=False)


def test_the_options_hold_for_them_too():
    tensor = torch.ones(3).bfloat16().requires_grad_()
    with pytest.raises(sk.ConversionError, match="requires grad"):
        sk.to_numpy(tensor)
    assert sk.to_numpy(tensor, detach=True).ctypes.data == tensor.data_ptr()
    copied = sk.to_numpy(tensor.detach(), copy=True)
    assert copied.ctypes.data != tensor.data_ptr()
    assert copied.flags.writeable
    shared = guard(BFloat16[np.ndarray, "n"])(tensor.detach())
    assert not shared.flags.writeable, "as every tensor that a guard shares"
    wide = guard(Float32[np.ndarray, "n"], sk.numpy_world(casting="safe"))(tensor.detach())
    assert wide.dtype == np.float32


def test_annotations_know_them_in_numpy():
    array = sk.to_numpy(torch.ones(3).bfloat16())
    for hint in (BFloat16[np.ndarray, "3"], Float[np.ndarray, "n"], Shaped[np.ndarray, "n"]):
        assert guard(hint)(array) is array
        assert isinstance(array, hint)
    with pytest.raises(sk.DTypeError, match="'x' is bfloat16, not Float32"):
        guard(Float32[np.ndarray, "n"])(array)


@pytest.mark.usefixtures("no_ml_dtypes")
@pytest.mark.parametrize("name", ["bfloat16", "float8_e5m2"])
@pytest.mark.parametrize("route", [each for each in ROUTES if each != "list"])
def test_without_ml_dtypes_they_are_refused_with_both_ways_out(name, route):
    tensor = torch.zeros(2).to(getattr(torch, name))
    with pytest.raises(sk.ConversionError) as caught:
        ROUTES[route](tensor)
    assert f"\n  NumPy has no dtype {name} unless ml_dtypes is imported\n  hint: " in str(
        caught.value
    )
    assert ".float()" in str(caught.value)


LIGHT = """
import sys, numpy, torch, sekisho as sk
try: sk.to_numpy(torch.zeros(2).bfloat16())
except sk.ConversionError as error: print("refused", "ml_dtypes" in sys.modules)
import ml_dtypes
print(sk.to_numpy(torch.zeros(2).bfloat16()).dtype)
"""


def test_a_conversion_to_numpy_imports_no_ml_dtypes_and_uses_what_is_imported_later():
    done = subprocess.run(
        [sys.executable, "-c", LIGHT], capture_output=True, text=True, timeout=120, check=False
    )
    assert done.stdout.split() == ["refused", "False", "bfloat16"], done.stderr
