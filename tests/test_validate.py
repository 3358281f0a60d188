"""What is rejected, with which message, and that nothing is modified."""

from __future__ import annotations

import numpy as np
import pytest
from jaxtyping import Float, Float32, Int, UInt8
from numpy.typing import NDArray

import sekisho as sk


def test_errors_are_of_the_kinds_that_callers_expect():
    for kind in (sk.WorldError, sk.ShapeError, sk.DTypeError, sk.DeviceError, sk.ConversionError):
        assert issubclass(kind, sk.BoundaryError)
    assert issubclass(sk.BoundaryError, TypeError)
    assert issubclass(sk.ShapeError, ValueError)
    assert issubclass(sk.DeclarationError, TypeError)
    assert issubclass(sk.BoundaryError, sk.SekishoError)


def test_foreign_values_are_described_and_the_converting_call_is_named(torch):
    @sk.numpy_world(on_foreign="refuse")
    def f(x: Float[np.ndarray, "n"]): ...

    with pytest.raises(sk.WorldError) as caught:
        f(torch.zeros(3))
    assert str(caught.value) == (
        "f() argument 'x': expected Float[ndarray, \"n\"], got float32[3] (PyTorch).\n"
        "  on_foreign='refuse' lets nothing cross here\n"
        "  hint: to_numpy(x)"
    )


def test_modes_answer_crossings_each_in_its_way(world, other):
    @world.decorate
    def f(x: Float[world.array_type, "n"], y=None) -> Float[world.array_type, "n"]:
        assert isinstance(x, world.array_type)
        return x

    foreign = other.zeros(3)
    assert isinstance(f(foreign), world.array_type)
    with sk.mode("warn"), pytest.warns(sk.CrossingWarning) as caught:
        f(foreign)
    assert caught[0].filename == __file__
    assert str(caught[0].message).startswith("f() argument 'x': float32[3] (")
    with sk.mode("strict"):
        f(world.zeros(3))
        for arguments in ((foreign,), (world.zeros(3), foreign), (world.zeros(3), [foreign])):
            with pytest.raises(sk.WorldError, match="mode 'strict' lets nothing cross here"):
                f(*arguments)
    with sk.mode("off"):
        f2 = world.decorate(lambda x: x)
        assert f2.__name__ == "<lambda>"
        with pytest.raises(AssertionError):
            f(foreign)  # passed through unconverted


def test_mode_off_passes_everything_through(world):
    @world.decorate
    def f(
        x: Float[world.array_type, "*b n"], y: Int[world.array_type, "n+1"], z: int = 1
    ) -> Float[world.array_type, "*b n 3"]:
        return "result"

    with sk.mode("off"):
        assert f(1, None, "z") == "result"
        assert f(world.zeros(2), world.zeros(2, 2)) == "result"


def test_a_declared_gate_converts_in_strict_mode_too(world, other):
    @world.decorate(on_foreign="convert")
    def f(x: Float[world.array_type, "n"], y=None):
        return type(x), type(y)

    with sk.mode("strict"):
        assert f(other.zeros(3), other.zeros(3)) == (world.array_type, world.array_type)


def test_unannotated_foreign_arrays_cross_and_any_opts_out(world, other):
    from typing import Any

    @world.decorate
    def f(x, y: Any, z: object = None, **more):
        return type(x), type(y), type(z), type(more["m"])

    got = f(other.zeros(1), other.zeros(1), other.zeros(1), m=other.zeros(1))
    assert got == (world.array_type, other.array_type, other.array_type, world.array_type)


def test_a_result_of_the_wrong_world_is_always_an_error(world, other):
    @world.decorate(on_foreign="convert")
    def annotated() -> Float[world.array_type, "n"]:
        return other.zeros(3)

    @world.decorate
    def bare():
        return other.zeros(3)

    for function in (annotated, bare):
        with pytest.raises(sk.WorldError) as caught:
            function()
        assert "() the result: expected " in str(caught.value)
        assert "the function left its world" in str(caught.value)
        assert f"to_{world.name}(result)" in str(caught.value)


def test_a_wrong_result_is_refused(world):
    @world.decorate
    def f(x: Float[world.array_type, "n"]) -> Float[world.array_type, "n"]:
        return x[:-1]

    with pytest.raises(
        sk.ShapeError, match=r"axis 'n' is 3 \(from argument 'x'\), but axis 0 of the result is 2"
    ):
        f(world.zeros(3))


def test_a_boundary_converts_nothing_unless_told(torch):
    @sk.boundary
    def up(x: Float[np.ndarray, "n"]) -> Float[torch.Tensor, "n"]:
        return sk.to_torch(x)

    @sk.boundary(on_foreign="convert")
    def gate(x: Float[np.ndarray, "n"]) -> Float[torch.Tensor, "n"]:
        return sk.to_torch(x)

    for mode in ("convert", "warn", "strict"):
        with sk.mode(mode):
            assert isinstance(up(np.zeros(2)), torch.Tensor)
            assert isinstance(gate(torch.zeros(2)), torch.Tensor)
            with pytest.raises(sk.WorldError, match="on_foreign='convert' converts"):
                up(torch.zeros(2))


def test_same_world_follows_its_first_array(world, other):
    @sk.same_world
    def f(
        k: int, x: Float[sk.Array, "n"] | None, y: Float[sk.Array, "n"], z=None
    ) -> Float[sk.Array, "n"]:
        assert z is None or type(y) is type(z)
        return y + 0

    assert isinstance(f(1, None, world.zeros(2)), world.array_type)
    assert isinstance(f(1, world.zeros(2), other.zeros(2), other.zeros(2)), world.array_type)
    with sk.mode("strict"), pytest.raises(sk.WorldError):
        f(1, world.zeros(2), other.zeros(2))

    @sk.same_world
    def leaves(x: Float[sk.Array, "n"]) -> Float[sk.Array, "n"]:
        return other.zeros(2)

    with pytest.raises(sk.WorldError, match="left the world of its arguments"):
        leaves(world.zeros(2))


def test_numpy_scalars_are_in_numpys_world():
    @sk.same_world
    def total(x: Float[sk.Array, "*n"]) -> Float[sk.Array, ""]:
        return x.sum()

    assert total(np.ones(3)) == 3
    assert total(np.float64(2)) == 2


def test_results_go_back_to_the_caller(world, other):
    @world.decorate(returns="caller")
    def f(x: Float[world.array_type, "n"], scale=1.0):
        assert isinstance(x, world.array_type)
        return x + 1, {"y": [x + 2, scale]}

    for kit in (world, other):
        first, second = f(kit.zeros(3), scale=2.0)
        assert isinstance(first, kit.array_type)
        assert isinstance(second["y"][0], kit.array_type)
        assert second["y"][1] == 2.0

    @world.decorate(returns="caller")
    def no_array(n: int):
        return world.zeros(n)

    assert isinstance(no_array(3), world.array_type)

    @world.decorate(returns="caller")
    def later(options, x=None):
        return x

    assert isinstance(later({"k": [1, other.zeros(2)]}, world.zeros(1)), other.array_type)


def test_nothing_that_was_passed_in_is_modified(world, other):
    @world.decorate
    def f(x: Float[world.array_type, "n"], y=None): ...

    passed = other.zeros(3) + 1
    container = {"a": [passed]}
    f(passed, container)
    assert (passed == 1).all()
    assert container == {"a": [passed]}
    assert container["a"][0] is passed
    if other.name == "numpy":
        assert passed.flags.writeable


def test_an_array_shared_from_a_tensor_is_read_only_inside(torch):
    @sk.numpy_world
    def write(x: Float[np.ndarray, "n"]):
        x += 1

    tensor = torch.zeros(3)
    with pytest.raises(ValueError, match="read-only"):
        write(tensor)
    assert (tensor == 0).all()


def test_arrays_share_their_memory_with_the_tensors_they_become(torch):
    @sk.torch_world
    def write(x: Float[torch.Tensor, "n"]):
        x += 1

    array = np.zeros(3)
    write(array)
    assert (array == 1).all()


def test_copy_says_whether_a_crossing_copies(torch):
    read_only = np.zeros(3)
    read_only.flags.writeable = False
    never = sk.torch_world(copy=False)(lambda x: x)
    always = sk.torch_world(copy=True)(lambda x: x)
    array = np.zeros(3)
    assert never(array).data_ptr() == array.ctypes.data
    assert always(array).data_ptr() != array.ctypes.data
    with pytest.raises(sk.ConversionError) as caught:
        never(read_only)
    assert "copy=False, but it is read-only and has to be copied" in str(caught.value)


def test_a_cut_gradient_is_refused_unless_detach_says_so(torch):
    weights = torch.ones(2, requires_grad=True)
    refusing = sk.numpy_world(lambda x: x)
    with pytest.raises(sk.ConversionError) as caught:
        refusing(weights)
    assert "it requires grad, and an array would cut it from its graph" in str(caught.value)
    assert "x.detach(), or the option detach=True" in str(caught.value)
    assert (sk.numpy_world(detach=True)(lambda x: x)(weights) == 1).all()
    with torch.no_grad(), pytest.raises(sk.ConversionError):
        refusing(weights)


def test_devices_are_checked_and_moved(torch, second_device):
    @sk.torch_world(device="meta")
    def f(x: Float[torch.Tensor, "n"]):
        return x.device.type

    assert f(torch.zeros(3, device="meta")) == "meta"
    assert f(torch.zeros(3)) == "meta"
    with sk.mode("strict"), pytest.raises(sk.DeviceError) as caught:
        f(torch.zeros(3))
    assert str(caught.value) == (
        "f() argument 'x': expected Float[Tensor, \"n\"], got float32[3] (PyTorch).\n"
        "  'x' is on cpu, not meta\n"
        "  hint: x.to('meta')"
    )


def test_the_device_of_a_module_is_where_its_first_parameter_is(torch, second_device):
    class Net(torch.nn.Module):
        def __init__(self, *layers):
            super().__init__()
            self.layers = torch.nn.ModuleList(layers)

        @sk.torch_world(device="module")
        def forward(self, x: Float[torch.Tensor, "n"]):
            return x.device.type

    assert Net(torch.nn.Linear(1, 1, device="meta"))(torch.zeros(3)) == "meta"
    assert Net(torch.nn.Linear(1, 1))(np.zeros(3)) == "cpu"
    with pytest.raises(sk.DeviceError, match="the first parameter is, and there is none"):
        Net()(torch.zeros(3))


def test_plain_array_annotations_say_what_they_say():
    @sk.numpy_world
    def f(x: np.ndarray, y: NDArray[np.float32], z: NDArray[np.floating], w: NDArray): ...

    single, double, whole = np.zeros(1, "f4"), np.zeros(1), np.zeros(1, int)
    f(whole, single, double, whole)
    f(whole, single, single, double)
    for invalid in ((whole, double, double, whole), (whole, single, whole, whole)):
        with pytest.raises(sk.DTypeError):
            f(*invalid)
    with pytest.raises(sk.WorldError):
        f(whole, single, double, [1])


def test_unions_of_arrays_take_either_and_bind_nothing_for_a_failed_one():
    @sk.numpy_world
    def f(
        x: Float[np.ndarray, "n 3"] | Int[np.ndarray, "m"], y: Float[np.ndarray, "n"]
    ) -> None: ...

    f(np.zeros((2, 3)), np.zeros(2))
    f(np.zeros(5, int), np.zeros(4))
    with pytest.raises(sk.ShapeError):
        f(np.zeros((2, 3)), np.zeros(3))
    with pytest.raises(sk.BoundaryError):
        f(np.zeros((2, 4)), np.zeros(2))


def test_arrays_of_another_byte_order_or_name_pass_late():
    @sk.numpy_world
    def f(x: Float32[np.ndarray, "n"], y: UInt8[np.ndarray, "n"]):
        return x

    swapped = np.ones(2, ">f4")
    assert f(swapped, np.ones(2, "u1")) is swapped

    from jaxtyping import UInt64

    @sk.numpy_world
    def g(x: UInt64[np.ndarray, "n"]):
        return x

    assert np.array([2**63]).dtype.char in "QL"
    assert g(np.zeros(1, "Q")).dtype == np.uint64
