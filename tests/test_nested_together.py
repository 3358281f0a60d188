"""The arrays of a batch go to JAX in one call, with the same results as one by one."""

from __future__ import annotations

import numpy as np
import pytest

import sekisho as sk

jax = pytest.importorskip("jax")

SHARED = np.arange(3, dtype="float32")


def batch():
    return {
        "image": [np.ones((2, 2), "float32"), SHARED],
        "same": (SHARED, SHARED[::-1]),
        "jax": jax.numpy.ones(2),
        "half": np.ones(2, "float16"),
        "empty": np.ones((0, 2), "int32"),
        "scalar": np.float32(3),
        "name": "x",
    }


@pytest.fixture
def calls(monkeypatch):
    """Count the calls of ``jax.device_put`` with several arrays, and with one."""
    put, counted = jax.device_put, []

    def counting(x, *args, **options):
        counted.append(len(x) if isinstance(x, list) else 1)
        return put(x, *args, **options)

    monkeypatch.setattr(jax, "device_put", counting)
    return counted


@pytest.mark.parametrize("options", [{}, {"copy": True}, {"device": "cpu"}])
def test_one_call_moves_all_arrays(calls, options):
    found = sk.to_jax(batch(), **options)
    assert [each for each in calls if each > 1] == [6]
    for each, one in zip(jax.tree.leaves(found), jax.tree.leaves(batch()), strict=True):
        if isinstance(one, str):
            assert each == one
        else:
            assert isinstance(each, jax.Array)
            assert each.dtype == one.dtype
            np.testing.assert_array_equal(each, one)
    assert found["image"][1] is found["same"][0]


def test_the_result_shares_no_memory_with_what_was_passed():
    array = np.zeros(64, "float32")
    (found,) = sk.to_jax([array])
    array[:] = 1
    assert not found.any()


def test_an_open_log_has_a_row_for_each_array(calls):
    with sk.record_crossings() as log:
        sk.to_jax([np.ones(2, "float32"), np.ones(3, "float32")])
    assert calls == [1, 1]
    assert sum(each.count for each in log.rows) == 2


def test_a_leaf_that_refuses_is_named_and_nothing_is_moved(calls):
    with pytest.raises(sk.ConversionError) as caught:
        sk.to_jax({"a": np.ones(2, "float32"), "b": [np.array(["x"])]})
    assert str(caught.value).startswith("to_jax() argument 'x'['b'][0]: expected an array of JAX")
    assert calls == []


def test_where_the_one_call_fails_the_array_is_named(monkeypatch):
    put = jax.device_put

    def failing(x, *args, **options):
        if isinstance(x, list) or x.shape == (3,):
            raise RuntimeError("no room")
        return put(x, *args, **options)

    monkeypatch.setattr(jax, "device_put", failing)
    with pytest.raises(sk.ConversionError) as caught:
        sk.to_jax([np.ones(2, "float32"), np.ones(3, "float32")])
    assert str(caught.value).splitlines()[:2] == [
        "to_jax() argument 'x'[1]: expected an array of JAX, or what converts to one, got "
        "float32[3] (NumPy).",
        "  RuntimeError: no room",
    ]


def test_a_traced_function_converts_its_constants():
    @jax.jit
    def f(x):
        made = sk.to_jax({"a": np.ones(2, "float32"), "b": [np.ones(2, "float32")]})
        return x + made["a"] + made["b"][0]

    assert f(jax.numpy.ones(2)).tolist() == [3, 3]


def test_tensors_go_through_the_host():
    torch = pytest.importorskip("torch")
    found = sk.to_jax({"a": torch.ones(2), "b": [torch.zeros(3)]})
    assert isinstance(found["a"], jax.Array)
    assert found["b"][0].tolist() == [0, 0, 0]
