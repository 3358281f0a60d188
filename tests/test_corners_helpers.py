"""The paths that the converters take, and that all paths give the same result."""

from types import SimpleNamespace

import numpy as np
import pytest

import sekisho as sk
from sekisho.helpers import channels, converters, joins, operands, ops, together
from sekisho.worlds import Policy, world_named

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


# --- the fast path of each helper ------------------------------------------------------------------

ON_THE_FAST_PATH = {
    "add_batch_dim": sk.add_batch_dim,
    "remove_batch_dim": lambda x: sk.remove_batch_dim(x[:1]),
    "expand_dims": lambda x: sk.expand_dims(x, 1),
    "squeeze": lambda x: sk.squeeze(x[:1], 0),
    "transpose2d": lambda x: sk.transpose2d(x[0]),
    "permute_dims": lambda x: sk.permute_dims(x, (2, 0, 1)),
    "moveaxis": lambda x: sk.moveaxis(x, 0, -1),
    "add_channel_dim": sk.add_channel_dim,
    "channels_first": sk.channels_first,
    "channels_last": sk.channels_last,
    "concat": lambda x: sk.concat([x, x]),
    "concat along another axis": lambda x: sk.concat([x, x], axis=1),
    "stack": lambda x: sk.stack([x, x]),
    "stack along another axis": lambda x: sk.stack([x, x], axis=1),
}


def _not_here(*_):
    raise AssertionError("the slow path")


@pytest.mark.parametrize("name", ON_THE_FAST_PATH)
def test_no_helper_looks_for_the_world_of_a_plain_array(world, monkeypatch, name):
    x = world.range(2, 3, 4)
    expected = ON_THE_FAST_PATH[name](x)
    for module in (ops, channels):
        monkeypatch.setattr(module, "operand", _not_here)
    for seam in ("find_world", "_one_world", "_are_records"):
        monkeypatch.setattr(joins, seam, _not_here)
    if name == "expand_dims" and world.name == "torch":
        monkeypatch.setattr(ops, "insert_axes", _not_here)  # torch's own function is faster
    found = ON_THE_FAST_PATH[name](x)
    assert found.shape == expected.shape
    assert found.tolist() == expected.tolist()


@pytest.mark.parametrize("join", ["concat", "stack"])
def test_torch_parses_no_axis_where_it_is_the_first(torch, monkeypatch, join):
    seen = []
    spy = SimpleNamespace(cat=lambda *given: seen.append(given), stack=lambda *g: seen.append(g))
    monkeypatch.setattr(joins, "library", spy)
    arrays = [torch.zeros(2), torch.ones(2)]
    for options in ({}, {"axis": 0}, {"axis": 1}, {"axis": -1}):
        getattr(sk, join)(arrays, **options)
    assert [given[1:] for given in seen] == [(), (), (1,), (-1,)]
    assert all(given[0] is arrays for given in seen)


def test_the_fast_path_into_a_world_is_looked_up_once(direction, monkeypatch):
    convert, value = direction
    monkeypatch.setattr(converters, "_sharers", {})
    looked = []
    real = converters.look_for_worlds
    monkeypatch.setattr(converters, "look_for_worlds", lambda: (looked.append(1), real()))
    for _ in range(3):
        assert convert(value).tolist() == [1, 1, 1]
    assert len(looked) == 1
    assert list(converters._sharers) == [convert.__name__.removeprefix("to_")]


# --- defaults and names ----------------------------------------------------------------------------


def _made(name):
    return converters.make_to_world(name)


@pytest.mark.parametrize(
    "convert",
    [
        sk.to_numpy,
        sk.to_jax,
        _made("numpy"),
        _made("jax"),
        lambda x: sk.to_world_of(x, np.ones(1)),
        lambda x: sk.to_numpy([x]),
    ],
)
def test_no_converter_detaches_unless_it_is_told_to(torch, convert):
    pytest.importorskip("jax")
    with pytest.raises(sk.ConversionError, match="requires grad") as caught:
        convert(torch.ones(2, requires_grad=True))
    assert str(caught.value).endswith(".detach(), or the option detach=True")


def test_a_converter_that_is_made_has_a_name_and_a_docstring():
    made = _made("torch")
    assert (made.__name__, made.__qualname__) == ("to_torch", "to_torch")
    assert made.__doc__ == "Take an array of any world to torch: see `to_torch`."


def test_options_reach_each_converter(torch):
    jax = pytest.importorskip("jax")
    grad, array = torch.ones(2, requires_grad=True), np.ones(3, "float32")
    (device,) = jax.devices("cpu")[:1]
    for convert in (sk.to_jax, _made("jax")):
        assert convert(grad, detach=True).tolist() == [1, 1]
        assert convert(array, device="cpu").devices() == {device}
        with pytest.raises(sk.ConversionError, match="copy=False"):
            convert(array, copy=False)
    assert sk.to_world_of(grad, array, detach=True).tolist() == [1, 1]
    assert not np.shares_memory(sk.to_world_of(array, array, copy=True), array)
    assert sk.to_world_of(array, torch.ones(1)).data_ptr() == array.ctypes.data


# --- exact texts -----------------------------------------------------------------------------------

NAMED = "it takes one array, and its options are named."
NO_ARRAY = "expected an array or a tensor, got a function.\n  a function is not an array\n  hint: "
SQUARE = np.ones((1, 1))


def function(x):
    return x


TEXTS = {
    "to_jax(array, array)": f"to_jax(): {NAMED}\n  hint: to_jax(x, device=...)",
    "to_torch(array, 'cpu')": f"to_torch(): {NAMED}\n  hint: to_torch(x, device='cuda')",
    "to_numpy(array, 'cpu')": f"to_numpy(): {NAMED}\n  hint: to_numpy(x)",
    **{
        f"{name}(array, {word}=1)": f"{name}(): there is no argument '{word}'.\n  hint: {hint}"
        for name, hints in {
            "to_numpy": {"copi": "copy", "detatch": "detach", "zzz": None},
            "to_torch": {"copi": "copy", "devise": "device", "zzz": None},
            "to_jax": {"copi": "copy", "devise": "device", "detatch": "detach", "zzz": None},
        }.items()
        for word, meant in hints.items()
        for hint in [f"did you mean '{meant}'?" if meant else f"{name}(x)"]
    },
    **{
        f"{name}(function)": f"{name}() argument 'x': {NO_ARRAY}{hint}"
        for name, hint in {
            "to_numpy": "it converts arrays; the decorator is @numpy_world",
            "to_torch": "it converts arrays; the decorator is @torch_world",
            "to_jax": "it converts arrays; the decorator is @jax_world",
            "add_batch_dim": "it was not called: x()",
        }.items()
    },
    "to_world_of(array, function)": f"to_world_of() argument 'like': {NO_ARRAY}"
    "it was not called: like()",
    "to_torch(array, device='gpu')": "to_torch() argument 'device': expected a device, got 'gpu'.\n"
    "  PyTorch has no device 'gpu'; a GPU is 'cuda', 'mps' or 'xpu'",
    "to_torch(array[::-1], copy=False)": "to_torch() argument 'x': expected a tensor, or what "
    "converts to one, got float32[3] (NumPy).\n"
    "  copy=False, but it has a negative stride and has to be copied\n  hint: copy=None",
    "to_torch(numpy.array('x'))": "to_torch() argument 'x': expected a tensor, or what converts to "
    "one, got str_[] (NumPy).\n  it holds text\n"
    "  hint: turn the text into numbers, such as class indices",
    "to_torch([array, numpy.array([1, 2], dtype=object)])": "to_torch() argument 'x'[1]: expected a "
    "tensor, or what converts to one, got object_[2] (NumPy).\n  it holds Python objects\n"
    "  hint: x[1].astype('float64')",
    "to_torch(numpy.datetime64('2020-01-01'))": "to_torch() argument 'x': expected a tensor, or what "
    "converts to one, got datetime64 scalar (NumPy).\n  it holds dates\n"
    "  hint: x.astype('int64'), which counts their units",
    "squeeze(square, (0, 1.0))": "squeeze() argument 'axis': expected an int, or a tuple of ints, got "
    "a tuple.",
    "squeeze(square, (0, -2))": "squeeze() argument 'x': expected each of the axes (0, -2) once, got "
    "float64[1, 1] (NumPy).",
    "squeeze(square, -3)": "squeeze() argument 'x': expected axis -3 of size 1, got float64[1, 1] "
    "(NumPy).",
    "moveaxis(square, 0, (1.5,))": "moveaxis() argument 'destination': expected an int, or a tuple of "
    "ints, got a tuple.",
    "moveaxis(square, (0, 1.5), 0)": "moveaxis() argument 'source': expected an int, or a tuple of "
    "ints, got a tuple.",
    "permute_dims(square, (0, 1.5))": "permute_dims() argument 'axes': expected a tuple of ints, got "
    "a tuple.",
    "expand_dims(square, (0, 'a'))": "expand_dims() argument 'axis': expected an int, or a tuple of "
    "ints, got a tuple.",
    "concat({1: array})": "concat() item 0: expected an array or a tensor, got an int.\n"
    "  an int is not an array\n  hint: numpy.asarray(arrays[0])",
    "stack({array.shape})": "stack() its arguments: expected a sequence of arrays, got a set.\n"
    "  hint: list(arrays)",
    "concat(object())": "concat() its arguments: expected a sequence of arrays, got an object.",
    **{
        f"{join}({one})": f"{join}() its arguments: expected a sequence of arrays, got {got} (NumPy), "
        "which is one array."
        for join in ("concat", "stack")
        for one, got in {
            "numpy.float32(2)": "float32 scalar",
            "numpy.array(3.0)": "float64[]",
        }.items()
    },
    "concat([array], axis=1.5)": "concat() argument 'axis': expected an int or None, got a float.",
    "stack([array], axis=None)": "stack() argument 'axis': expected an int, got None.",
}


@pytest.mark.parametrize("call", TEXTS)
def test_a_helper_says_exactly_what_is_wrong(call):
    for library in ("torch", "jax"):
        if library in call:
            pytest.importorskip(library)
    names = {"numpy": np, "array": np.ones(3, "float32"), "function": function, "square": SQUARE}
    with pytest.raises(sk.SekishoError) as caught:
        eval(f"sk.{call}", {"sk": sk, **names})
    assert str(caught.value) == TEXTS[call]


@pytest.mark.parametrize(
    ("others", "is_easy"),
    [
        (["ones"], True),
        (["ones", "home"], True),
        (["ones", "ones"], True),
        (["ones", "grad"], False),
        (["ones", "text"], False),
    ],
)
def test_a_list_of_two_worlds_is_converted_in_one_line_if_each_item_is_converted_plainly(
    torch, others, is_easy
):
    arrays = {
        "ones": torch.ones(2),
        "home": np.ones(2),
        "grad": torch.ones(2, requires_grad=True),
        "text": np.array(["a", "b"]),
    }
    if "text" in others:
        arrays = {**arrays, "home": torch.ones(2), "ones": np.ones(2, "float32")}
    noun, name = ("a tensor", "to_torch") if "text" in others else ("an array", "to_numpy")
    first = torch.ones(2) if "text" in others else np.ones(2)
    with pytest.raises(sk.WorldError) as caught:
        sk.stack([first, *(arrays[each] for each in others)])
    lines = str(caught.value).splitlines()
    assert lines[0].startswith(f"stack() item 1: expected {noun}, as item 0 is, got float32[2] (")
    assert lines[1:] == ([f"  hint: [{name}(each) for each in arrays]"] if is_easy else [])


# --- the library that helpers know -----------------------------------------------------------------


@pytest.mark.parametrize(
    ("loaded", "known"),
    [
        (["numpy"], None),
        (["numpy", "jax"], None),
        (["jax", "torch", "numpy"], "torch"),
        (["numpy", "torch"], "torch"),
    ],
)
def test_the_class_that_helpers_know_is_of_the_resident_library_beside_the_host(
    torch, monkeypatch, loaded, known
):
    worlds = [SimpleNamespace(name=name, is_resident=name == "torch") for name in loaded]
    host = SimpleNamespace(name="numpy", is_resident=True)
    worlds = [host if each.name == "numpy" else each for each in worlds]
    monkeypatch.setattr(operands, "HOST", host)
    monkeypatch.setattr(operands, "loaded_worlds", lambda: worlds)
    found = operands._inlined_world()
    assert (found and found.name) == known


def test_no_batch_goes_in_one_call_while_a_compiler_traces(monkeypatch):
    world = SimpleNamespace(moves_together=True)
    policy = Policy(None, None, False)
    assert together.in_one_call(world, policy, None) is not None
    assert together.in_one_call(SimpleNamespace(moves_together=False), policy, None) is None
    with sk.record_crossings():
        assert together.in_one_call(world, policy, None) is None
    monkeypatch.setattr(together, "is_compiling", lambda: True)
    assert together.in_one_call(world, policy, None) is None
