"""The paths that the converters take, and that all paths give the same result."""

import numpy as np
import pytest

import sekisho as sk
from sekisho.helpers import converters, operands
from sekisho.worlds import world_named

DIRECTIONS = ("to_numpy", "to_torch")


@pytest.fixture(params=DIRECTIONS)
def direction(request, torch):
    """Return a converter, and a plain value of the other library."""
    value = torch.ones(3) if request.param == "to_numpy" else np.ones(3, "float32")
    return getattr(sk, request.param), value


@pytest.fixture
def slow_calls(monkeypatch):
    """Count the conversions that did not take the fast path."""
    seen = []
    real = converters._convert

    def convert(name, x, **options):
        seen.append(options)
        return real(name, x, **options)

    monkeypatch.setattr(converters, "_convert", convert)
    return seen


def test_a_plain_conversion_takes_the_fast_path(direction, slow_calls):
    convert, value = direction
    result = convert(value)
    assert slow_calls == []
    assert result.tolist() == [1, 1, 1]


@pytest.mark.parametrize("options", [{"copy": True}, {"copy": False}])
def test_who_asks_for_more_takes_the_slow_one(direction, slow_calls, options):
    convert, value = direction
    shared = convert(value, **options).tolist()
    assert [each["copy"] for each in slow_calls] == [options["copy"]]
    assert shared == [1, 1, 1]


def test_detach_and_device_are_not_forgotten_on_the_fast_path(torch, slow_calls):
    grad = torch.ones(3, requires_grad=True)
    with pytest.raises(sk.ConversionError):
        sk.to_numpy(grad)
    assert sk.to_numpy(grad, detach=True).tolist() == [1, 1, 1]
    assert str(sk.to_torch(np.ones(3), device="cpu").device) == "cpu"
    assert len(slow_calls) == 3


def test_a_conversion_is_logged_wherever_a_log_is_open(direction, slow_calls):
    convert, value = direction
    with sk.record_crossings() as log:
        convert(value)
    assert len(slow_calls) == len(log) == 1


def test_while_a_compiler_traces_the_fast_path_is_not_taken(direction, slow_calls, monkeypatch):
    convert, value = direction
    monkeypatch.setattr(converters, "is_compiling", lambda: True)
    assert convert(value).tolist() == [1, 1, 1]
    assert len(slow_calls) == 1


def test_a_library_that_comes_later_is_told_to_every_module_of_helpers(torch, monkeypatch):
    monkeypatch.setattr(operands, "_homes", [])
    early, late = {}, {}
    with monkeypatch.context() as patch:
        patch.setattr(operands, "loaded_worlds", lambda: [world_named("numpy")])
        none_yet = operands.inlined_class(early)
        operands.tell_of_worlds()
    assert not isinstance(torch.ones(1), none_yet)
    assert early == {"library": None}
    assert operands.inlined_class(late) is torch.Tensor
    operands.tell_of_worlds()
    assert early == late == {"library": torch, "Tensor": torch.Tensor}


@pytest.mark.filterwarnings("ignore:The PyTorch API of nested tensors:UserWarning")
@pytest.mark.parametrize(
    "name", ["add_batch_dim", "remove_batch_dim", "channels_first", "channels_last"]
)
def test_what_a_library_cannot_do_with_its_own_tensor_is_an_error_of_ours(torch, name):
    nested = torch.nested.nested_tensor([torch.ones(2, 2), torch.ones(3, 2)])
    with pytest.raises(sk.BoundaryError) as caught:
        getattr(sk, name)(nested)
    first, *rest = str(caught.value).splitlines()
    assert first == f"{name}() argument 'x': expected an array or a plain tensor, got a Tensor."
    assert len(rest) == 1


@pytest.mark.parametrize(
    ("call", "text"),
    [
        (
            lambda x: sk.permute_dims(x, dims=(1, 0)),
            "permute_dims(): there is no argument 'dims'.\n  the word here is axes"
            "\n  hint: permute_dims(x, axes)",
        ),
        (
            lambda x: sk.permute_dims(x, 1, 0),
            "permute_dims(): the axes are one tuple.\n  hint: permute_dims(x, (1, 0))",
        ),
        (
            lambda x: sk.permute_dims(x, 1),
            "permute_dims(): the axes are one tuple.\n  hint: permute_dims(x, (1, 0))",
        ),
    ],
)
def test_torchs_ways_to_permute_are_answered_with_the_one_here(world, call, text):
    with pytest.raises(sk.DeclarationError) as caught:
        call(world.zeros(2, 3))
    assert str(caught.value) == text


@pytest.mark.parametrize("count", [2, 7, 8, 9, 20])
@pytest.mark.parametrize("join", [sk.concat, sk.stack])
def test_of_many_shapes_that_do_not_fit_the_first_eight_are_told(world, count, join):
    arrays = [world.zeros(2, 3), *[world.zeros(4, 5)] * (count - 1)]
    with pytest.raises(sk.ShapeError) as caught:
        join(arrays)
    told = ", ".join(["[2, 3]"] + ["[4, 5]"] * (min(count, 8) - 1)) + ", ..." * (count > 8)
    assert f"got {told}." in str(caught.value)


@pytest.mark.parametrize("order", [(0, 1, 2), (2, 0, 1), (1, 2, 0), (-1, 0, 1)])
def test_axes_are_permuted_alike_for_subclasses_and_for_lists_of_axes(world, order):
    plain = np.arange(24).reshape(2, 3, 4)
    expected = plain.transpose(order)
    for given in (plain, np.ma.array(plain), plain.view(type("Own", (np.ndarray,), {}))):
        found = sk.permute_dims(given, order)
        assert type(found) is type(given)
        assert found.tolist() == expected.tolist()
        assert sk.permute_dims(given, list(order)).shape == expected.shape
    assert sk.permute_dims(world.range(2, 3, 4), order).tolist() == expected.tolist()


@pytest.mark.parametrize("name", ["channels_first", "channels_last"])
@pytest.mark.parametrize("shape", [(), (3,), (3, 4)])
def test_channels_of_too_few_axes_are_refused_with_the_shape(world, name, shape):
    with pytest.raises(sk.ShapeError) as caught:
        getattr(sk, name)(world.zeros(*shape))
    told = f"float32{list(shape)}" if shape else "float32"
    assert f"got {told}" in str(caught.value)
    assert str(caught.value).startswith(f"{name}() argument 'x': expected axes ")
