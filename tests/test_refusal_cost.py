"""An error costs the same for any size: its message samples a large value, and says so."""

from __future__ import annotations

import array
import time
import tracemalloc

import numpy as np
import pytest
from jaxtyping import Bool, Complex64, Float32, UInt8

import sekisho as sk

LARGE = 1 << 24
SECONDS = 0.05


def refusal(annotation, value, world=sk.numpy_world):
    """Return the message of an error, its shortest time, and the memory that Python allocated."""

    @world
    def f(x: annotation):
        return x

    return refusal_by(f, value)


def refusal_by(f, value):
    """Return the same for a function."""
    times = []
    for _ in range(6):
        start = time.perf_counter()
        with pytest.raises(sk.BoundaryError) as caught:
            f(value)
        times.append(time.perf_counter() - start)
        message = str(caught.value)
        del caught
    tracemalloc.start()
    with pytest.raises(sk.BoundaryError):
        f(value)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return message, min(times), peak


NUMPY = {
    "float64 to float32": (
        Float32,
        lambda n: np.full(n, 0.1),
        ["x.astype('float32'), which rounds"],
    ),
    "float64 to uint8": (UInt8, lambda n: np.full(n, 0.5), ["numpy.rint(x * 255).astype('uint8')"]),
    "int64 to float32": (Float32, np.arange, ["x.astype('float32')"]),
    "complex128": (
        Complex64,
        lambda n: np.full(n, 0.1 + 1j),
        ["x.astype('complex64'), which rounds"],
    ),
    "real complex128": (Float32, lambda n: np.full(n, 0.1 + 0j), ["x.real.astype('float32')"]),
    "float64 to bool": (Bool, lambda n: np.full(n, 0.5), []),
    "list": (Float32, lambda n: [1.0] * n, ["numpy.asarray(x, dtype='float32')"]),
    "range": (Float32, range, ["numpy.asarray(x, dtype='float32')"]),
    "array.array": (
        Float32,
        lambda n: array.array("d", [0.1]) * n,
        ["numpy.asarray(x, dtype='float32')"],
    ),
}


@pytest.mark.parametrize("case", NUMPY)
def test_a_refusal_of_a_large_value_takes_no_longer_and_copies_little(case):
    dtype, make, hints = NUMPY[case]
    message, seconds, peak = refusal(dtype[np.ndarray, "..."], make(LARGE))
    assert seconds < SECONDS
    assert peak < 16e6  # the values have 64 MB and more
    for each in hints:
        assert f"{each}" in message
        assert "judged by a part of its 16,777,216 values)" in message


@pytest.mark.parametrize("case", NUMPY)
def test_all_of_a_small_value_is_looked_at(case):
    dtype, make, _ = NUMPY[case]
    message, _, _ = refusal(dtype[np.ndarray, "..."], make(1000))
    assert "judged" not in message


def test_the_whole_message_of_a_large_value():
    message, _, _ = refusal(Float32[np.ndarray, "n m"], np.full((4096, 4096), 0.1))
    assert message == (
        "f() argument 'x': expected Float32[ndarray, \"n m\"], got float64[4096, 4096] (NumPy).\n"
        "  'x' is float64, not Float32\n"
        "  hint: x.astype('float32'), which rounds (judged by a part of its 16,777,216 values)"
    )


def test_what_a_part_of_a_value_shows_holds_for_all_of_it():
    x = np.zeros(LARGE)
    x[::100] = np.nan
    message, _, _ = refusal(UInt8[np.ndarray, "n"], x)
    assert "hint: it holds NaN or infinity, which uint8 cannot: replace them first" in message


@pytest.mark.parametrize(
    ("shape", "axes", "hint"),
    [
        (
            (4096, 4096),
            "1 n m",
            "an axis of size 1 in front is missing: add_batch_dim(x), which is x[None]",
        ),
        (
            (1, 4096, 4096),
            "n m",
            "there is a batch axis of size 1 too many: remove_batch_dim(x), which is x[0]",
        ),
        ((2, 1 << 23), "8388608 2", "the two axes look transposed: transpose2d(x), which is x.T"),
        (
            (2048, 2731, 3),
            "3 h w",
            "the channels look last: channels_first(x), which is numpy.moveaxis(x, -1, -3)",
        ),
    ],
)
def test_the_axes_of_a_large_array_are_its_own(shape, axes, hint):
    message, seconds, peak = refusal(Float32[np.ndarray, axes], np.zeros(shape, np.float32))
    assert message.endswith(f"hint: {hint}")
    assert "judged" not in message
    assert seconds < SECONDS
    assert peak < 16e6


def test_several_steps_of_a_large_array_are_one_call():
    message, _, _ = refusal(Float32[np.ndarray, "1 h w"], np.full((4096, 4096), 0.1))
    assert "x.astype('float32')" in message
    assert "add_batch_dim(" in message


def test_a_large_nested_list_has_the_shape_of_all_of_it():
    x = [[0.1] * 2048 for _ in range(2048)]
    message, seconds, _ = refusal(Float32[np.ndarray, "2048 2048"], x)
    assert (
        "numpy.asarray(x, dtype='float32'), which rounds (judged by a part of its 4,194" in message
    )
    assert seconds < SECONDS


def test_a_large_tensor_is_not_read(torch):
    for dtype in (Float32, UInt8):
        x = torch.full((LARGE,), 0.1, dtype=torch.float64)
        message, seconds, peak = refusal(dtype[torch.Tensor, "n"], x, sk.torch_world)
        assert "judged by a part" in message
        assert seconds < SECONDS
        assert peak < 16e6


def test_a_large_tensor_with_a_gradient_is_refused_with_the_call_that_helps(torch):
    x = torch.zeros(LARGE, requires_grad=True)
    message, seconds, _ = refusal(Float32[np.ndarray, "n"], x)
    assert message.endswith("hint: x.detach(), or the option detach=True")
    assert seconds < SECONDS


def test_a_large_array_of_jax_is_not_read():
    jnp = pytest.importorskip("jax.numpy")
    x = jnp.full((LARGE,), 0.1)
    message, seconds, peak = refusal(UInt8[jnp.ndarray, "n"], x, sk.jax_world)
    assert "judged by a part" in message
    assert seconds < SECONDS
    assert peak < 16e6


def test_a_large_picture_is_not_converted():
    image = pytest.importorskip("PIL.Image").new("L", (4096, 4096))
    message, seconds, _ = refusal(UInt8[np.ndarray, "4096 4096 3"], image)
    assert "x.convert('RGB')" in message
    assert seconds < SECONDS


def test_a_large_frame_is_not_converted():
    frame = pytest.importorskip("pandas").DataFrame({"a": np.full(LARGE, 0.1)})
    message, seconds, peak = refusal(Float32[np.ndarray, "n 1"], frame)
    assert "x.to_numpy(dtype='float32'), which rounds (judged by a part" in message
    assert seconds < SECONDS
    assert peak < 16e6


HINTED = {
    "a list for a tuple": (tuple[int, ...], lambda n: [1] * n),
    "a tuple for a list": (list[int], lambda n: (1,) * n),
    "a list of arrays for a tuple": (tuple[np.ndarray, ...], lambda n: [np.ones(1)] * n),
    "nested lists": (tuple[list[int], ...], lambda n: [[1] * 1000] * (n // 1000)),
    "a dict of arrays": (np.ndarray, lambda n: dict.fromkeys(range(n), np.ones(1))),
    "lists of several ranks": (np.ndarray, lambda n: [np.ones(1), np.ones((1, 1))] * (n // 2)),
    "objects": (Float32[np.ndarray, "n"], lambda n: np.full(n, 1.5, object)),
}


@pytest.mark.parametrize("case", HINTED)
def test_a_hint_for_a_large_container_tries_few_of_its_items(case):
    annotation, make = HINTED[case]
    message, seconds, peak = refusal(annotation, make(1 << 20))
    assert message.startswith("f() argument 'x': expected ")
    assert seconds < SECONDS
    assert peak < 16e6


def test_a_large_list_that_is_passed_for_many_arguments_is_not_tried_item_by_item():
    @sk.numpy_world
    def f(*xs: Float32[np.ndarray, "n"]): ...

    packed = [np.ones(1, "f4")] * (1 << 20)
    _, seconds, peak = refusal_by(f, packed)
    assert seconds < SECONDS
    assert peak < 16e6
