"""Unaligned memory: NumPy reads any address, torch only those that its kernels support."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from jaxtyping import Complex128, Shaped

import sekisho as sk

REASON = "its address is no multiple of its item size"
PLAIN = [
    *("bool", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64"),
    *("float16", "float32", "float64", "complex64", "complex128"),
]

CRASHES = """
import numpy as np, torch, sekisho as sk
from jaxtyping import AbstractDtype, Complex, Complex128, Shaped
arrays = {
    "frombuffer": np.frombuffer(bytearray(161), "complex128", offset=1),
    "a view of half an item": np.zeros(17)[1:].view("complex128"),
    "every second": np.zeros(17)[1:].view("complex128")[::2],
    "transposed": np.zeros(17)[1:].view("complex128").reshape(2, 4).T,
    "a field": np.zeros(4, [("a", "f8"), ("z", "c16"), ("b", "f8")])["z"],
    "0-d": np.zeros(3)[1:].view("complex128").reshape(()),
    "a stride that is never used": np.zeros(17)[1:].view("complex128").reshape(1, 8)[::-1],
    "memmap": np.memmap("data", "complex128", "w+", offset=8, shape=4),
}
def guard(hint, **options):
    def f(x): return x.clone() + x
    f.__annotations__ = {"x": hint}
    return sk.torch_world(**options)(f)
routes = {
    "to_torch": sk.to_torch,
    "to_world_of": lambda x: sk.to_world_of(x, torch.zeros(1)),
    "a dtype": guard(Complex128[torch.Tensor, "..."]),
    "any dtype": guard(Shaped[torch.Tensor, "..."]),
    "no axes": guard(torch.Tensor),
    "unannotated": sk.torch_world(lambda x: x.clone() + x),
    "cast": guard(Complex128[torch.Tensor, "..."], casting="unsafe"),
    "a list": lambda x: guarded_list([x]),
    "a helper": lambda x: sk.stack([sk.to_torch(x)] * 2),
}
@sk.torch_world
def guarded_list(xs: list[Complex[torch.Tensor, "..."]]):
    return xs[0].clone()
for name, route in routes.items():
    for array in arrays.values():
        made = route(array)
        made = torch.exp(made.clone()) + made
class Exports:
    def __init__(self, array): self.array = array
    __array_interface__ = property(lambda self: self.array.__array_interface__)
sk.to_torch(Exports(arrays["frombuffer"])).clone()
# The words of a refusal look at the values.
try: guard(Shaped[torch.Tensor, "n n n"])(arrays["transposed"])
except sk.ShapeError: pass
class Complex32(AbstractDtype): dtypes = ["complex32"]
try: guard(Complex32[torch.Tensor, "..."])(arrays["frombuffer"])
except sk.DTypeError: pass
print("alive")
"""


def test_no_array_ends_the_process_wherever_it_begins(tmp_path, torch):
    done = subprocess.run(
        [sys.executable, "-c", CRASHES],
        capture_output=True, text=True, timeout=120, check=False, cwd=tmp_path,
    )  # fmt: skip
    assert (done.returncode, done.stdout.strip()) == (0, "alive"), done.stderr


def array_at(offset, dtype, shape, step):
    """Return an array of distinct bits whose first item is `offset` bytes after a multiple of 64."""
    item = np.dtype(dtype).itemsize
    count = int(np.prod(shape)) * step
    memory = np.empty(count * item + 128, np.uint8)
    memory[:] = np.arange(memory.size) % (2 if dtype == "bool" else 251)
    start = -memory.ctypes.data % 64 + offset
    return memory[start : start + count * item].view(dtype)[::step].reshape(shape)


@pytest.fixture(scope="module")
def routes():
    torch = pytest.importorskip("torch")

    def f(x):
        return x

    made = {"to_torch": sk.to_torch, "to_world_of": lambda x: sk.to_world_of(x, torch.zeros(1))}
    for name, hint in (("annotated", Shaped[torch.Tensor, "..."]), ("plain", torch.Tensor)):
        f.__annotations__ = {"x": hint}
        made[name] = sk.torch_world(f)
    return made


@given(
    offset=st.integers(0, 31),
    dtype=st.sampled_from(PLAIN),
    shape=st.sampled_from([(), (0,), (5,), (2, 3), (1, 4), (2, 1, 2)]),
    step=st.integers(1, 3),
    transposed=st.booleans(),
)
def test_an_array_is_shared_where_torch_can_read_it_and_copied_elsewhere(
    routes, offset, dtype, shape, step, transposed
):
    array = array_at(offset, dtype, shape, step)
    array = array.T if transposed else array
    before = array.tobytes()
    aligned = array.ctypes.data % array.itemsize == 0
    for route in routes.values():
        with sk.record_crossings() as log:
            tensor = route(array)
        assert tensor.data_ptr() % array.itemsize == 0 or not array.size
        assert tuple(tensor.shape) == array.shape
        assert tensor.numpy().tobytes() == before == array.tobytes()
        assert log[0].copied == (None if aligned else REASON)
        assert not array.size or (tensor.data_ptr() == array.ctypes.data) == aligned


@pytest.mark.parametrize("dtype", ["complex128", "complex64", "float64", "int32", "float16"])
def test_copy_false_names_the_address(dtype, torch):
    array = array_at(1, dtype, (3,), 1)
    with pytest.raises(sk.ConversionError) as caught:
        sk.to_torch(array, copy=False)
    assert f"copy=False, but {REASON} and has to be copied" in str(caught.value)

    @sk.torch_world(copy=False)
    def f(x: Shaped[torch.Tensor, "..."]): ...

    with pytest.raises(sk.ConversionError, match=f"copy=False, but {REASON}"):
        f(array)
    f(array_at(0, dtype, (3,), 1))


@pytest.mark.parametrize("name", ["bfloat16", "float8_e5m2"])
@pytest.mark.parametrize("offset", [0, 1, 2])
def test_dtypes_of_ml_dtypes_are_looked_at_too(name, offset, torch):
    dtype = getattr(pytest.importorskip("ml_dtypes"), name)
    array = array_at(offset, "u2" if name == "bfloat16" else "u1", (4,), 1).view(dtype)
    tensor = sk.to_torch(array)
    assert tensor.view(torch.uint8).numpy().tobytes() == array.tobytes()
    shares = tensor.data_ptr() == array.ctypes.data
    assert shares == (offset % array.itemsize == 0)


@pytest.mark.parametrize("offset", range(0, 64, 8))
def test_jax_copies_from_and_to_any_address(offset):
    jax = pytest.importorskip("jax")
    jax.config.update("jax_enable_x64", True)
    try:
        array = array_at(offset + 1, "complex128", (5,), 1)
        made = sk.to_jax(array)
        assert np.asarray(made).tobytes() == array.tobytes()
    finally:
        jax.config.update("jax_enable_x64", False)


def test_a_result_goes_back_to_torch_wherever_its_memory_begins(torch):
    @sk.numpy_world(returns="caller")
    def f(x: Complex128[np.ndarray, " n"]) -> Complex128[np.ndarray, " n"]:
        return array_at(8, "complex128", x.shape, 1)

    made = f(torch.zeros(4, dtype=torch.complex128))
    assert made.clone().view(torch.uint8).numpy().tobytes() == made.numpy().tobytes()
    assert made.data_ptr() % 16 == 0
