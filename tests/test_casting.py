"""`casting`: whether a dtype may change to fit an annotation that names exactly one dtype."""

from __future__ import annotations

import jaxtyping
import numpy as np
import pytest
from jaxtyping import Float, Float32, Float64, Int32

import sekisho as sk
from sekisho.worlds.casting import may_cast

NAMES = [
    *("bool", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64"),
    *("float16", "float32", "float64", "complex64", "complex128"),
]
LOSSY = {("int64", t) for t in ("float64", "complex128")} | {
    ("uint64", t) for t in ("float64", "complex128")
}


@pytest.mark.parametrize("casting", ["no", "equiv", "safe", "same_kind", "unsafe"])
def test_the_words_mean_what_they_mean_in_numpy(casting):
    for source in NAMES:
        for target in NAMES:
            expected = np.can_cast(source, target, casting)
            if casting == "safe" and (source, target) in LOSSY:
                expected = False
            assert may_cast(source, target, casting) == expected, (source, target)


@pytest.mark.parametrize("source", NAMES)
@pytest.mark.parametrize("target", ["Int64", "Float32", "Float64", "Complex128"])
def test_a_safe_cast_changes_no_value(source, target, torch):
    info = np.iinfo if source.startswith(("int", "uint")) else None
    extreme = [info(source).min, info(source).max, 1] if info else [0, 1, 1]
    array = np.array(extreme, dtype=source)
    hint = getattr(jaxtyping, target)[np.ndarray, "n"]

    def f(x):
        return x

    f.__annotations__ = {"x": hint}
    try:
        result = sk.numpy_world(casting="safe")(f)(array)
    except sk.DTypeError:
        return
    assert result.dtype.name == target.lower()
    assert [int(x.real) for x in result] == [int(x.real) for x in array]


def test_without_the_option_no_dtype_changes(world):
    @world.decorate
    def f(x: Float64[world.array_type, "n"]): ...

    with pytest.raises(sk.DTypeError):
        f(world.zeros(3))


def test_a_cast_keeps_world_shape_and_gradient(world):
    @world.decorate(casting="safe")
    def f(x: Float64[world.array_type, "n"], y: Float64[world.array_type, "n"]):
        return x

    x = world.zeros(3)
    if world.name == "torch":
        x.requires_grad_()
    cast = f(x, world.zeros(3, dtype="float64"))
    assert isinstance(cast, world.array_type)
    assert str(cast.dtype).endswith("float64")
    assert str(x.dtype).endswith("float32")
    if world.name == "torch":
        cast.sum().backward()
        assert x.grad.tolist() == [1, 1, 1]
    with pytest.raises(sk.ShapeError):
        f(world.zeros(3), world.zeros(2))


def test_a_category_of_dtypes_casts_nothing(world):
    @world.decorate(casting="unsafe")
    def f(x: Float[world.array_type, "n"]): ...

    with pytest.raises(sk.DTypeError):
        f(world.zeros(3, dtype="int32"))


def test_dtypes_that_numpy_lacks_cross_by_a_safe_cast(torch):
    @sk.numpy_world(casting="safe")
    def f(x: Float32[np.ndarray, "n"]):
        return x

    with sk.record_crossings() as log:
        array = f(torch.tensor([1.5, -2.0], dtype=torch.bfloat16))
    assert array.tolist() == [1.5, -2.0]
    assert log[0].copied == "it was cast from bfloat16"
    assert f(torch.tensor([1.5]).to(torch.float8_e5m2)).tolist() == [1.5]
    with pytest.raises(sk.DTypeError):
        f(torch.zeros(3, dtype=torch.float64))


def test_casting_against_copy_false_says_which_copy_was_needed():
    @sk.numpy_world(casting="same_kind", copy=False)
    def f(x: Int32[np.ndarray, "n"]): ...

    f(np.zeros(3, "i4"))
    with pytest.raises(sk.ConversionError) as caught:
        f(np.zeros(3, "i8"))
    assert "copy=False, but 'x' is int64 and has to be cast" in str(caught.value)
