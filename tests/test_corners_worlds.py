"""Dtypes, layouts and values in all worlds."""

from types import SimpleNamespace

import numpy as np
import pytest

import sekisho as sk
from sekisho.worlds import Policy, Refusal, convert, world_named
from sekisho.worlds.casting import may_cast
from sekisho.worlds.library import Library, _readable
from sekisho.worlds.torch import memory
from sekisho.worlds.torch.operations import waits_for

FLOATS = (
    *("float8_e4m3fn", "float8_e4m3fnuz", "float8_e5m2", "float8_e5m2fnuz", "float16", "bfloat16"),
    *("float32", "float64"),
)
NUMBERS = (*FLOATS, "int8", "int16", "int32", "int64", "uint8", "complex64", "complex128")


def corners(torch, dtype):
    """Return the values of a dtype that are lost first; all values if there are few."""
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
        # Converted back to integers, a value that was rounded up to 2**63 becomes the largest
        # integer.
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


# --- memory that a tensor can share ----------------------------------------------------------------------


@pytest.mark.parametrize("axis", [0, 1, 2])
@pytest.mark.parametrize("rest", [slice(None), slice(None, None, 2), slice(1, 2)])
@pytest.mark.parametrize("dtype", ["float32", "uint8", "complex64"])
def test_an_axis_of_length_one_never_hinders_sharing_whatever_its_stride(torch, axis, rest, dtype):
    whole = np.arange(4 * 5 * 6).reshape(4, 5, 6).astype(dtype)
    backwards = [rest] * 3
    backwards[axis] = slice(0, 1)
    part = whole[tuple(backwards)]
    backwards = [slice(None)] * 3
    backwards[axis] = slice(None, None, -1)
    given = part[tuple(backwards)]
    assert given.strides[axis] < 0
    with sk.record_crossings() as log:
        result = sk.to_torch(given)
    assert result.data_ptr() == given.ctypes.data
    assert [each.copied for each in log] == [None]
    assert result.tolist() == part.tolist()
    given[...] = 7
    assert bool((result == 7).all())
    assert bool((whole == 7).any())


def test_a_read_only_view_is_not_made_writable_on_its_way(torch):
    given = np.arange(6.0).reshape(2, 3)[:1][::-1]
    given.flags.writeable = False
    result = sk.to_torch(given)
    result += 1
    assert given.tolist() == [[0, 1, 2]]


# --- a library that is not there, or broken --------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("raise RuntimeError('no driver\\nand more')", "RuntimeError: no driver"),
        ("import not_there_either", "ModuleNotFoundError: No module named 'not_there_either'"),
        ("raise ImportError('half of it')", "ImportError: half of it"),
    ],
)
def test_a_library_that_cannot_be_imported_is_refused_with_the_first_line_of_why(
    tmp_path, monkeypatch, text, why
):
    (tmp_path / "broken_library.py").write_text(text, "utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    library = Library()
    library.name, library.label = "broken_library", "Broken"
    with pytest.raises(Refusal) as caught:
        library.load()
    assert caught.value.reason == f"Broken cannot be imported: {why}"
    assert caught.value.hint is None


@pytest.mark.parametrize(
    ("package", "wanted"), [(None, "missing_library"), ("its-name", "its-name")]
)
def test_a_library_that_is_not_installed_is_named_by_its_package(package, wanted):
    library = Library()
    library.name, library.label, library.package = "missing_library", "Missing", package
    with pytest.raises(Refusal) as caught:
        library.load()
    assert (caught.value.reason, caught.value.hint) == (
        "Missing is not installed",
        f"install {wanted}",
    )


@pytest.mark.parametrize(
    "name", ["bfloat16", "float8_e4m3fn", "float8_e5m2", "int4", "uint4", "int2"]
)
def test_values_of_dtypes_that_numpy_lacks_are_readable(name):
    ml_dtypes = pytest.importorskip("ml_dtypes")
    if not hasattr(ml_dtypes, name):
        pytest.skip("a newer ml_dtypes")
    values = [1, 0, 1]
    readable = _readable(np.array(values, getattr(ml_dtypes, name)))
    assert readable.dtype.kind == ("i" if "int" in name else "f")
    assert readable.tolist() == values
    assert bool((readable == np.rint(readable)).all())


@pytest.mark.parametrize("dtype", ["float32", "V4", [("a", "f4")], "U2", "bool"])
def test_what_numpy_can_read_stays_what_it_is(dtype):
    array = np.zeros(2, dtype)
    assert _readable(array) is array


@pytest.mark.parametrize(
    ("shape", "strides"), [((3,), (0,)), ((2, 3), (4, 0)), ((2, 3), (0, 4)), ((1, 3), (0, 4))]
)
def test_elements_that_lie_in_one_place_are_shared_as_they_lie(torch, shape, strides):
    memory = np.arange(8, dtype="float32")
    given = np.lib.stride_tricks.as_strided(memory, shape, strides)
    with sk.record_crossings() as log:
        result = sk.to_torch(given)
    assert result.data_ptr() == memory.ctypes.data
    assert [each.copied for each in log] == [None]
    memory += 1
    assert result.tolist() == given.tolist()


@pytest.mark.parametrize("release", [(2, 6), (2, 9), (2, 10), (2, 13)])
def test_zeros_that_nobody_has_written_are_not_shared_where_a_release_would_write_them(
    torch, monkeypatch, release
):
    monkeypatch.setattr(memory, "release_of", lambda _: release)
    share = memory.make_share_tensor.__wrapped__(torch, None, read_only=False)
    plain = torch.ones(3)
    assert share(plain).ctypes.data == plain.data_ptr()
    assert (share(torch._efficientzerotensor((3,))) is None) or release >= (2, 10)
    assert share(plain[::2]) is None
    assert share(np.ones(3)) is None


@pytest.mark.parametrize(
    ("operation", "args", "device"),
    [
        ("cuda.synchronize", (), "cuda"),
        ("cuda.synchronize", (0,), "cuda:0"),
        ("cuda.synchronize", (1,), "cuda:1"),
        ("cuda.synchronize", ("cuda:1", 0), "cuda:1"),
        ("mps.synchronize", (), "mps"),
        ("cuda.Stream.synchronize", (SimpleNamespace(device="cuda:3"),), "cuda:3"),
    ],
)
def test_the_device_that_a_program_waits_for_is_the_one_that_is_named(
    torch, operation, args, device
):
    assert waits_for(torch, operation, args) == device


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (RuntimeError("first\nsecond"), "RuntimeError: first"),
        (TypeError("only"), "TypeError: only"),
        (KeyError(), "KeyError"),
        (MemoryError("too much"), None),
    ],
)
def test_what_a_library_raises_on_the_way_is_told_by_its_first_line(
    torch, monkeypatch, error, reason
):
    target = world_named("torch")

    def from_host(*_):
        raise error

    monkeypatch.setattr(type(target), "from_host", from_host)
    with pytest.raises(Refusal if reason is not None else MemoryError) as caught:
        convert(np.ones(3), target, Policy())
    assert reason is None or caught.value.reason == reason
