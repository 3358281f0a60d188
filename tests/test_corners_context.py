"""Edge cases of modes and logs: what happens once, and how a log shows unusual values."""

import numpy as np
import pytest

import sekisho as sk
from sekisho.context import modes


@pytest.fixture
def prepared(monkeypatch):
    """Pretend that this process was never strict; count how often strict mode is prepared."""
    for name in ("_becomes_strict", "_is_prepared"):
        monkeypatch.setattr(modes, name, False)
    monkeypatch.setattr(modes, "_on_strict", [])
    monkeypatch.setattr(modes, "_process", modes.make_setting("", "convert"))
    monkeypatch.setenv("SEKISHO_MODE", "convert")
    seen = []
    modes.on_strict(lambda: seen.append("before"))
    return seen


@pytest.mark.parametrize("enter", ["block", "process"])
def test_what_strict_mode_needs_is_prepared_once_when_it_is_entered_first(prepared, enter):
    def go(mode):
        if enter == "process":
            sk.set_mode(mode)
        else:
            with sk.mode(mode):
                pass

    for mode in ("convert", "warn", "off"):
        go(mode)
        assert prepared == []
    for mode in ("strict", "convert", "strict"):
        go(mode)
        assert prepared == ["before"]
    modes.on_strict(lambda: prepared.append("after"))
    go("strict")
    assert prepared == ["before", "after"]


class Lends:
    """Exports its memory by DLPack, and is not an array itself."""

    def __init__(self, array):
        self.array = array

    def __dlpack__(self, **options):
        return self.array.__dlpack__(**options)

    def __dlpack_device__(self):
        return self.array.__dlpack_device__()


def test_a_log_says_of_lent_memory_that_it_had_no_dtype_and_was_on_the_host(world):
    @world.decorate
    def f(x: world.array_type):
        return x

    convert = sk.to_numpy if world.name == "numpy" else sk.to_torch
    for call in (f, convert):
        with sk.record_crossings() as log:
            result = call(Lends(np.ones(3, "float32")))
        (crossing,) = log
        assert isinstance(result, world.array_type)
        assert (crossing.source, crossing.source_dtype, crossing.source_device) == (
            *("numpy", "", "cpu"),
        )
        assert (crossing.target, crossing.dtype, crossing.shape) == (world.name, "float32", (3,))


def test_a_log_says_where_and_what_an_array_was(world, other):
    @world.decorate
    def f(x: world.array_type): ...

    for dtype in ("float32", "int64"):
        with sk.record_crossings() as log:
            f(other.zeros(2, 3, dtype=dtype))
        (crossing,) = log
        assert (crossing.source, crossing.source_dtype) == (other.name, dtype)
        assert (crossing.source_device, crossing.target_device) == ("cpu", "cpu")
        assert crossing.shape == (2, 3)
        assert crossing.nbytes == 6 * np.dtype(dtype).itemsize


@pytest.mark.parametrize(
    ("text", "wrong"),
    [("strict to_nowhere=warn", "to_nowhere=warn"), ("convert torch=warn", "torch=warn")],
)
def test_who_wrote_a_direction_that_does_not_exist_is_named(text, wrong):
    with pytest.raises(ValueError, match="expected to_") as caught:
        modes.read_setting(text, "environment variable SEKISHO_MODE")
    start, _, got = str(caught.value).partition(": expected ")
    assert start == "environment variable SEKISHO_MODE"
    assert got.endswith(f"=..., got {wrong!r}.")


@pytest.mark.parametrize("level", ["allow", "warn", "refuse"])
def test_mode_off_takes_no_level(level):
    for enter in (sk.set_mode, sk.mode):
        with pytest.raises(ValueError, match="mode 'off' looks at nothing, so it takes no level"):
            enter("off", to_numpy=level)
    assert sk.get_mode() == "convert"
