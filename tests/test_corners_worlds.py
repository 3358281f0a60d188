"""What the worlds say of dtypes, layouts and values, for all of them."""

from __future__ import annotations

import pytest

from sekisho.worlds.casting import may_cast

FLOATS = (
    *("float8_e4m3fn", "float8_e4m3fnuz", "float8_e5m2", "float8_e5m2fnuz", "float16", "bfloat16"),
    *("float32", "float64"),
)
NUMBERS = (*FLOATS, "int8", "int16", "int32", "int64", "uint8", "complex64", "complex128")


def corners(torch, dtype):
    """Values of a dtype that are the first to be lost: all, where there are few enough."""
    if dtype.itemsize == 1:
        return torch.arange(256).to(torch.uint8).view(dtype)
    if dtype.itemsize == 2:
        return torch.arange(1 << 16).to(torch.int32).to(torch.uint16).view(dtype)
    if dtype.is_complex:
        parts = corners(torch, torch.float32 if dtype.itemsize == 8 else torch.float64)
        return torch.complex(parts, parts.flip(0))
    info = (torch.finfo if dtype.is_floating_point else torch.iinfo)(dtype)
    values = [info.min, info.max, info.max - 1, 1, 0]
    if dtype.is_floating_point:
        values = [info.min, info.max, info.tiny, 1 + info.eps, float("inf"), float("nan")]
    return torch.tensor(values, dtype=dtype)


def are_kept(torch, values, target):
    there = values.to(target)
    there = there.real if target.is_complex and not values.dtype.is_complex else there
    same = (there.to(values.dtype) == values) | (values != values)  # noqa: PLR0124 - NaN
    if not (target.is_floating_point or target.is_complex or values.dtype.is_floating_point):
        return bool(same.all()) and there.tolist() == values.tolist()
    if not values.dtype.is_floating_point and not values.dtype.is_complex:
        # Back in the integers, what was rounded up to 2**63 comes out as the largest of them.
        return [int(x) for x in there.tolist()] == values.tolist()
    return bool(same.all())


@pytest.mark.parametrize("source", NUMBERS)
@pytest.mark.parametrize("target", NUMBERS)
def test_no_cast_that_is_called_safe_loses_a_value(source, target, torch):
    safe = may_cast(source, target, "safe")
    if safe:
        assert are_kept(torch, corners(torch, getattr(torch, source)), getattr(torch, target))
    same_kind, unsafe = (may_cast(source, target, word) for word in ("same_kind", "unsafe"))
    assert unsafe
    assert same_kind or not safe
    assert may_cast(source, target, "no") is may_cast(source, target, "equiv") is (source == target)


@pytest.mark.parametrize("target", NUMBERS)
def test_a_cast_that_widens_a_narrow_float_is_safe(target):
    wide = {"float32", "float64", "complex64", "complex128"}
    for source in ("bfloat16", "float16", "float8_e4m3fn", "float8_e5m2"):
        assert may_cast(source, target, "safe") == (target in wide or target == source or (
            source.startswith("float8") and target == "float16"
        )), source  # fmt: skip


@pytest.mark.parametrize("word", ["safe", "same_kind"])
def test_dtypes_without_a_counterpart_in_numpy_become_nothing_else(word):
    for source in ("float8_e8m0fnu", "quint8", "bits16"):
        for target in NUMBERS:
            assert not may_cast(source, target, word)
            assert not may_cast(target, source, word)
