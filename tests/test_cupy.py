"""CuPy as a world: on a GPU if there is one, and its record without a GPU.

Without a GPU, a library with CuPy's names has arrays on a fake device.
"""

from __future__ import annotations

import contextlib
import importlib.util
import subprocess
import sys
import types

import numpy as np
import pytest
from jaxtyping import Float32

import sekisho as sk
from sekisho.testing import both_worlds
from sekisho.worlds import Policy, Refusal, registry, world_named
from sekisho.worlds.dtypes import PLAIN_DTYPES, dtype_name

F = np.arange(6, dtype="float32").reshape(2, 3)


class Device(contextlib.AbstractContextManager):
    current = 0

    def __init__(self, number=None):
        self.id = Device.current if number is None else number

    def __enter__(self):
        self.before, Device.current = Device.current, self.id

    def __exit__(self, *error):
        Device.current = self.before


class ndarray:
    """An array like CuPy's, as far as its record needs."""

    def __init__(self, host):
        self.host, self.device = host, Device()

    shape = property(lambda self: self.host.shape)
    ndim = property(lambda self: self.host.ndim)
    dtype = property(lambda self: self.host.dtype)
    nbytes = property(lambda self: self.host.nbytes)
    T = property(lambda self: ndarray(self.host.T))

    def __getitem__(self, key):
        return ndarray(self.host[key])

    def __mul__(self, other):
        return ndarray(self.host * (other.host if isinstance(other, ndarray) else other))

    def transpose(self, axes):
        return ndarray(self.host.transpose(axes))

    def copy(self):
        return ndarray(self.host.copy())


def array(given, copy=True, blocking=False):
    return ndarray(np.array(given.host if isinstance(given, ndarray) else given))


@pytest.fixture
def pretended(monkeypatch):
    library = types.ModuleType("cupy")
    library.cuda = types.SimpleNamespace(Device=Device)
    library.ndarray, library.array, library.asarray = ndarray, array, array
    library.asnumpy = lambda given: given.host.copy()
    for name in ("moveaxis", "squeeze", "concatenate", "stack"):
        function = getattr(np, name)

        def call(given, *args, function=function, **options):
            one = isinstance(given, ndarray)
            return ndarray(
                function(given.host if one else [g.host for g in given], *args, **options)
            )

        setattr(library, name, call)
    monkeypatch.setitem(sys.modules, "cupy", library)
    monkeypatch.setattr(registry, "_records", registry._records)
    yield library
    registry._waiting.add("cupy")


@pytest.fixture
def real():
    """Return the library itself, on a device."""
    cupy = pytest.importorskip("cupy")
    if not cupy.cuda.is_available():
        pytest.skip("no CUDA device is present")
    return cupy


@pytest.fixture(params=["pretended", pytest.param("real", marks=pytest.mark.cuda)])
def cupy(request):
    if request.param == "real" and importlib.util.find_spec("cupy") is None:
        pytest.skip("cupy is not installed")
    return request.getfixturevalue(request.param)


@pytest.mark.cuda
def test_a_copy_of_pinned_memory_is_complete(real):
    cupyx = pytest.importorskip("cupyx")
    array = cupyx.zeros_pinned(1 << 22, "float32")
    busy = real.ones((4096, 4096), "float32")
    for _ in range(20):  # so much work is queued that the copy would begin long after the write
        busy = busy @ busy * 0
    there = sk.to_cupy(array)
    array[...] = 7
    assert float(abs(there).max()) == 0


def test_values_are_recognised_and_copied_both_ways(cupy):
    x = sk.to_cupy(F)
    assert sk.world_of(x) == "cupy"
    assert sk.is_cupy(x)
    assert sk.to_cupy(x) is x
    assert sk.to_numpy(x).tolist() == F.tolist()
    with sk.record_crossings() as log:
        sk.to_numpy(x)
    assert (log[0].source_device, log[0].target_device) == ("cuda:0", "cpu")
    assert log[0].copied == "it moved from cuda:0 to the host"
    for cross, given in ((sk.to_cupy, F), (sk.to_numpy, x)):
        with pytest.raises(sk.ConversionError, match="copy=False, but it moved from"):
            cross(given, copy=False)


@pytest.mark.parametrize("name", ["torch", "jax"])
def test_it_converts_with_other_worlds_by_way_of_the_host(cupy, name):
    pytest.importorskip(name)
    there = getattr(sk, f"to_{name}")(sk.to_cupy(F))
    assert sk.world_of(there) == name
    assert sk.to_numpy(sk.to_cupy(there)).tolist() == F.tolist()


@pytest.mark.parametrize(
    "given", [np.array(["a"]), np.zeros(1, np.longdouble), np.ma.array([1], mask=[1])]
)
def test_what_it_cannot_hold_is_refused(cupy, given):
    with pytest.raises(sk.ConversionError):
        sk.to_cupy(given)


def test_other_byte_orders_and_strides_keep_their_values(cupy):
    for given in (F.astype(">f4"), F[::-1], F.T):
        assert sk.to_numpy(sk.to_cupy(given)).tolist() == given.tolist()


def test_guards_check_and_convert(cupy):
    @sk.cupy_world
    def double(x: Float32[cupy.ndarray, "n d"]) -> Float32[cupy.ndarray, "n d"]:
        return x * 2

    assert sk.world_of(double(F)) == "cupy"
    assert sk.to_numpy(double(sk.to_cupy(F))).tolist() == (F * 2).tolist()
    with pytest.raises(sk.WorldError) as caught, sk.mode("strict"):
        double(F)
    assert caught.value.violation.hint == "to_cupy(x), or @cupy_world(on_foreign='convert')"
    with pytest.raises(sk.ShapeError) as caught:
        double(sk.to_cupy(F[0]))
    assert "is on" not in str(caught.value)
    assert caught.value.violation.got == "float32[3] (CuPy on cuda:0)"

    @sk.same_world
    def same(x: Float32[sk.Array, "n d"]) -> Float32[sk.Array, "n d"]:
        return x * 2

    both_worlds(same, F, worlds=["numpy", "cupy"])


@pytest.mark.parametrize(
    "helper",
    [
        sk.add_batch_dim,
        sk.transpose2d,
        sk.add_channel_dim,
        lambda x: sk.squeeze(x[None], 0),
        lambda x: sk.permute_dims(x, (1, 0)),
        lambda x: sk.moveaxis(x, 0, 1),
        lambda x: sk.channels_first(x[None]),
        lambda x: sk.concat([x, x]),
        lambda x: sk.concat([x, x], axis=None),
        lambda x: sk.stack([x, x]),
    ],
)
def test_every_helper_does_it(cupy, helper):
    both_worlds(helper, F, worlds=["numpy", "cupy"])


def test_devices_are_known_by_their_number(pretended):
    x = sk.to_cupy(F, device="cuda:1")
    assert x.device.id == 1
    assert sk.to_cupy(x, device=1) is x
    assert sk.to_cupy(x, device="cuda").device.id == 0
    for wrong in ("cpu", "cuda:x", "mars"):
        with pytest.raises(sk.DeviceError, match="CuPy's devices are 'cuda'"):
            sk.to_cupy(F, device=wrong)

    @sk.cupy_world(device="cuda:1")
    def on_one(x: Float32[ndarray, "n d"]) -> Float32[ndarray, "n d"]:
        return x

    assert on_one(sk.to_cupy(F)).device.id == 1
    with pytest.raises(sk.DeviceError), sk.mode("strict"):
        on_one(sk.to_cupy(F))


def test_an_array_is_copied_at_once_on_the_device_that_is_wanted(pretended, monkeypatch):
    made = []

    def noting(given, **options):
        made.append((Device.current, given.dtype, options))
        return array(given)

    monkeypatch.setattr(pretended, "array", noting)
    world = world_named("cupy")
    x = world.from_host(F.astype(">f4"), Policy())
    assert x.copied == "it moved from the host to CUDA"
    there = world.parse_device("cuda:1")
    assert world.parse_device(there) is there
    assert (there.id, world.parse_device(2).id, world.parse_device("cuda").id) == (1, 2, 0)
    assert world.from_host(F, Policy(device=there)).value.device.id == 1
    native = {"copy": True, "blocking": True}
    assert made == [(0, np.dtype("f4"), native), (1, np.dtype("f4"), native)]
    made.clear()
    assert (world.is_on(x.value, there), world.device_name(x.value)) == (False, "cuda:0")
    for policy in (Policy(), Policy(copy=False), Policy(device=world.parse_device(0))):
        assert world.move(x.value, policy) == (x.value, None)
    assert world.move(x.value, Policy(copy=True)).copied == "copy=True"
    moved = world.move(x.value, Policy(device=there))
    assert (moved.copied, moved.value.device.id) == ("it moved from cuda:0 to cuda:1", 1)
    assert made == [(1, np.dtype("f4"), {"copy": True})]
    for cross, reason in (
        (lambda: world.move(x.value, Policy(device=there, copy=False)), "cuda:0 to cuda:1"),
        (lambda: world.from_host(F, Policy(copy=False)), "the host to CUDA"),
        (lambda: world.to_host(x.value, Policy(copy=False)), "cuda:0 to the host"),
    ):
        with pytest.raises(Refusal) as caught:
            cross()
        assert caught.value.reason == (
            f"copy=False, but it moved from {reason} and has to be copied"
        )
    with pytest.raises(Refusal) as caught:
        world.from_host(np.zeros(1, "g"), Policy())
    assert caught.value.reason == "it is longdouble, which cupy lacks"
    assert world.dtypes() == {each: dtype_name(each) for each in PLAIN_DTYPES}
    monkeypatch.delitem(sys.modules, "cupy")
    assert world.dtypes() == {}


def test_the_record_alone_needs_no_library():
    done = subprocess.run(
        [sys.executable, "-c", "import sekisho as sk, sys; f = sk.cupy_world(lambda x: x); "
         "print(sk.is_cupy(1), f(1), 'cupy' in sys.modules, sk.mode.__name__)"],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert done.stdout.split() == ["False", "1", "False", "mode"]


def test_where_it_is_not_installed_that_is_said():
    if importlib.util.find_spec("cupy") is not None:
        pytest.skip("cupy is installed")
    with pytest.raises(sk.ConversionError, match="CuPy is not installed\n  hint: install cupy"):
        sk.to_cupy(F)
