"""The parts of JAX's world one by one: devices, refusals, names, and code of compiled calls."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from sekisho.worlds import Policy, Refusal, world_named
from sekisho.worlds.policy import Converted

jax = pytest.importorskip("jax")

WORLD = world_named("jax")


def on(*devices):
    """Return a value on devices, each with a platform and a number."""
    found = [SimpleNamespace(platform=kind, id=number) for kind, number in devices]
    return SimpleNamespace(
        device=found[0] if len(found) == 1 else SimpleNamespace(device_set=found)
    )


@pytest.mark.parametrize(
    ("devices", "name"),
    [
        ([("cpu", 0)], "cpu"),
        ([("cpu", 3)], "cpu"),
        ([("gpu", 0)], "gpu:0"),
        ([("tpu", 5)], "tpu:5"),
        ([("cpu", 0), ("cpu", 1)], "2 cpu devices"),
        ([("gpu", 0), ("gpu", 1), ("gpu", 2)], "3 gpu devices"),
    ],
)
def test_a_device_is_called_by_its_platform_and_number(devices, name):
    assert WORLD.device_name(on(*devices)) == name


def test_a_value_without_a_device_may_end_up_on_any():
    tracer = SimpleNamespace()
    assert WORLD.device(tracer) is None
    assert WORLD.device(np.ones(2)) is None
    assert WORLD.device_name(tracer) == "cpu"
    assert WORLD.is_on(tracer, "there")
    assert WORLD.is_on(SimpleNamespace(device="there"), "there")
    assert not WORLD.is_on(SimpleNamespace(device="here"), "there")
    assert WORLD.device_question("there") is None


def test_a_device_is_read_by_its_platform_and_number():
    first = jax.devices("cpu")[0]
    sharding = jax.sharding.SingleDeviceSharding(first)
    assert WORLD.parse_device("cpu") is first
    assert WORLD.parse_device("cpu:0") is first
    assert WORLD.parse_device(first) is first
    assert WORLD.parse_device(sharding) is sharding
    for wrong in ("cpu:999", "cpu:x", "quantum"):
        with pytest.raises(Refusal):
            WORLD.parse_device(wrong)


@pytest.mark.parametrize("copy", [None, False, True])
def test_an_array_stays_or_is_moved_to_the_device_that_is_wanted(copy):
    array, first = jax.numpy.arange(3), jax.devices("cpu")[0]
    for device in (None, first):
        made = WORLD.move(array, Policy(copy=copy, device=device))
        assert made.copied == ("copy=True" if copy else None)
        assert (made.value is array) is not copy
    sharding = jax.sharding.SingleDeviceSharding(first)
    policy = Policy(copy=copy, device=sharding)
    reason = f"it moved from cpu to {sharding}"
    if copy is False:
        with pytest.raises(Refusal) as caught:
            WORLD.move(array, policy)
        assert caught.value.args == (f"copy=False, but {reason} and has to be copied", "copy=None")
        return
    made = WORLD.move(array, policy)
    assert (made.copied, made.value.tolist()) == (reason, [0, 1, 2])


@pytest.mark.parametrize("copy", [None, True])
def test_an_array_of_the_host_is_copied_at_once_or_with_others(copy):
    reason = "copy=True" if copy else "it can be written to, unlike an array of JAX"
    array = np.arange(3, dtype=">f4")
    made = WORLD.from_host(array, Policy(copy=copy))
    assert (made.copied, made.value.tolist(), made.value.dtype) == (reason, [0, 1, 2], "float32")
    assert isinstance(made.value, jax.Array)
    waiting: list[Any] = []
    later = WORLD.from_host(array, Policy(copy=copy, waiting=waiting))
    assert (later.copied, type(later.value), len(waiting)) == (reason, np.ndarray, 1)
    assert waiting[0] is later.value
    (moved,) = WORLD.move_together(waiting, jax.devices("cpu")[0])
    assert moved.tolist() == [0, 1, 2]
    with pytest.raises(Refusal) as caught:
        WORLD.from_host(array, Policy(copy=False))
    assert caught.value.hint == "copy=None"


REFUSED = {
    "deleted": ("its buffer was donated, or deleted", "use what the call returned"),
    "elsewhere": ("parts of it are on other machines", "gather it first"),
}


@pytest.mark.parametrize("why", REFUSED)
def test_an_array_whose_values_are_not_here_is_refused(why):
    value: Any = SimpleNamespace(
        dtype=np.dtype("f4"),
        is_deleted=lambda: why == "deleted",
        is_fully_addressable=why != "elsewhere",
    )
    with pytest.raises(Refusal) as caught:
        WORLD.to_host(value, Policy())
    assert caught.value.args == REFUSED[why]
    if why == "elsewhere":
        assert WORLD.sampled(value, (2,)) is value
    assert WORLD.sampled(jax.numpy.arange(4), (2,)).tolist() == [0, 2]


@pytest.mark.parametrize("dtype", ["int2", "int4", "uint2", "uint4", "int8", "float32"])
@pytest.mark.parametrize("copy", [None, False, True])
def test_elements_of_less_than_a_byte_are_copied(dtype, copy):
    if not hasattr(jax.numpy, dtype):
        pytest.skip("an older JAX")
    array = jax.numpy.zeros(3, getattr(jax.numpy, dtype))
    reason = "copy=True" if copy else None
    if dtype not in {"int8", "float32"}:
        reason = "NumPy gives each of its elements a byte"
    if reason and copy is False:
        with pytest.raises(Refusal) as caught:
            WORLD.to_host(array, Policy(copy=copy))
        assert caught.value.reason == f"copy=False, but {reason} and has to be copied"
        return
    made = WORLD.to_host(array, Policy(copy=copy))
    assert made.copied == reason
    assert made.value.flags.writeable is bool(copy)


def test_an_array_on_a_device_is_moved_to_the_host(monkeypatch):
    monkeypatch.setattr(type(WORLD), "device_name", lambda *_: "gpu:0")
    made = WORLD.to_host(jax.numpy.arange(3), Policy())
    assert isinstance(made, Converted)
    assert made.copied == "it moved from gpu:0 to the host"


@pytest.mark.parametrize("options", [{}, {"inline": True, "keep_unused": True}])
def test_a_compiled_call_traces_its_arrays_alone(options):
    words = "".join(f", {name}={value!r}" for name, value in options.items())
    code = WORLD.compiled_code("f", "x, 2, k=y", ["x", "y"], options)
    assert code == f"jax.jit(lambda x, y: f(x, 2, k=y){words})(x, y)"
    seen = []

    def f(pair, number, *, by):
        seen.append((type(number), isinstance(pair[0], jax.core.Tracer), pair[1]))
        return {"sum": pair[0] * number + by, "text": "kept out", "number": 3}

    x = jax.numpy.arange(3)
    (result,) = WORLD.compiled(f, options)([x, "text"], 2, by=x + 1)
    assert result.tolist() == [1, 4, 7]
    assert seen == [(int, True, "text")]


def test_names_that_are_private_are_shown_as_the_public_ones():
    from sekisho.worlds import _jax_private as private

    assert WORLD.operation_name(f"{private.CLASS}.__add__") == "jax.Array.__add__"
    assert WORLD.operation_name(f"{private.TRACER}.__add__") == "jax.core.Tracer.__add__"
    assert WORLD.kind_of(jax.numpy.ones(2)) is None
    names = []
    jax.jit(lambda x: names.append(WORLD.kind_of(x)))(1.0)
    assert names[0].endswith("Tracer")
    assert WORLD.dtypes()[np.dtype("float32")] == "float32"
    assert "bfloat16" in WORLD.dtypes().values()
    assert WORLD.namespace() is jax.numpy
