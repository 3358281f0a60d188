"""The helpers: one name for each operation, with equal values, shapes and views in both worlds."""

from __future__ import annotations

import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import sekisho as sk
from sekisho.helpers import channels, joins, ops

ONE_OPERAND = {
    "add_batch_dim": sk.add_batch_dim,
    "remove_batch_dim": lambda x: sk.remove_batch_dim(x[:1]),
    "expand_dims": lambda x: sk.expand_dims(x, axis=1),
    "squeeze": lambda x: sk.squeeze(x[:, :1], axis=1),
    "transpose2d": lambda x: sk.transpose2d(x[0]),
    "permute_dims": lambda x: sk.permute_dims(x, (2, 0, 1)),
    "moveaxis": lambda x: sk.moveaxis(x, 0, -1),
    "add_channel_dim": sk.add_channel_dim,
    "channels_first": sk.channels_first,
    "channels_last": sk.channels_last,
}
SHAPES = {
    "add_batch_dim": (1, 2, 3, 4),
    "remove_batch_dim": (3, 4),
    "expand_dims": (2, 1, 3, 4),
    "squeeze": (2, 4),
    "transpose2d": (4, 3),
    "permute_dims": (4, 2, 3),
    "moveaxis": (3, 4, 2),
    "add_channel_dim": (2, 1, 3, 4),
    "channels_first": (4, 2, 3),
    "channels_last": (3, 4, 2),
}


@pytest.mark.parametrize("name", ONE_OPERAND)
def test_a_helper_gives_a_view_of_its_own_world(name, world):
    x = world.range(2, 3, 4)
    result = ONE_OPERAND[name](x)
    assert isinstance(result, world.array_type)
    assert tuple(result.shape) == SHAPES[name]
    result[...] = -1
    assert (x == -1).any(), "no view"


@pytest.mark.parametrize("name", ONE_OPERAND)
def test_both_worlds_give_the_same_values(name, torch):
    array = np.arange(24).reshape(2, 3, 4)
    tensor = torch.arange(24).reshape(2, 3, 4)
    assert (ONE_OPERAND[name](tensor).numpy() == ONE_OPERAND[name](array)).all()


@pytest.mark.parametrize("name", ONE_OPERAND)
def test_gradients_flow_through_every_helper(name, torch):
    x = torch.rand(2, 3, 4, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(ONE_OPERAND[name], (x,))


@pytest.mark.parametrize("name", ONE_OPERAND)
def test_subclasses_keep_their_class(name, torch):
    masked = np.ma.masked_array(np.arange(24).reshape(2, 3, 4), mask=False)
    assert isinstance(ONE_OPERAND[name](masked), np.ma.MaskedArray)

    class Mine(torch.Tensor):
        pass

    assert isinstance(ONE_OPERAND[name](torch.zeros(2, 3, 4).as_subclass(Mine)), Mine)


@pytest.mark.parametrize("name", ONE_OPERAND)
def test_every_helper_compiles_without_a_graph_break(name, torch):
    compiled = torch.compile(ONE_OPERAND[name], fullgraph=True, backend="eager")
    x = torch.rand(2, 3, 4)
    assert (compiled(x) == ONE_OPERAND[name](x)).all()


BY_NAME = {
    "add_batch_dim": sk.add_batch_dim,
    "remove_batch_dim": sk.remove_batch_dim,
    "expand_dims": sk.expand_dims,
    "squeeze": lambda x: sk.squeeze(x, 0),
    "transpose2d": sk.transpose2d,
    "permute_dims": lambda x: sk.permute_dims(x, (0,)),
    "moveaxis": lambda x: sk.moveaxis(x, 0, 1),
    "add_channel_dim": sk.add_channel_dim,
    "channels_first": sk.channels_first,
    "channels_last": sk.channels_last,
}


LEAST = {"transpose2d": 2, "add_channel_dim": 2, "channels_first": 3, "channels_last": 3}
MOST = {"transpose2d": 2}
FIRST = {"remove_batch_dim": (1,)}


@pytest.mark.parametrize("name", BY_NAME)
@pytest.mark.parametrize(
    ("value", "got", "hint"),
    [
        ([[[1, 2]]], "a list", "numpy.asarray(x)"),
        (3.5, "a float", "numpy.asarray(x)"),
        (range(2), "a range", "numpy.asarray(x)"),
        (b"ab", "a bytes", None),
    ],
)
def test_what_is_no_array_is_refused_with_the_call_that_makes_one(name, value, got, hint):
    with pytest.raises(sk.WorldError) as caught:
        BY_NAME[name](value)
    # Skip arrays that would have too few or too many axes.
    fits = hint and LEAST.get(name, 0) <= np.ndim(value) <= MOST.get(name, 64)
    fits = fits and np.shape(value)[:1] == FIRST.get(name, np.shape(value)[:1])
    assert str(caught.value) == (
        f"{name}() argument 'x': expected an array or a tensor, got {got}.\n"
        f"  {got} is not an array" + (f"\n  hint: {hint}" if fits else "")
    )


@pytest.mark.parametrize("name", BY_NAME)
@pytest.mark.parametrize("value", [None, "text", object()])
def test_what_cannot_become_an_array_is_refused_by_name(name, value):
    with pytest.raises(sk.WorldError, match=rf"^{name}\(\) argument 'x': expected an array or a "):
        BY_NAME[name](value)


def test_numpy_scalars_are_arrays_without_axes():
    assert sk.add_batch_dim(np.float32(3)).shape == (1,)
    assert sk.add_batch_dim(np.float32(3)).dtype == np.float32
    assert sk.expand_dims(np.int8(3), (0, 1)).shape == (1, 1)


REFUSED_SHAPES = [
    (lambda k: sk.remove_batch_dim(k.zeros(2, 3)), "a first axis of size 1"),
    (lambda k: sk.remove_batch_dim(k.zeros()), "a first axis of size 1"),
    (lambda k: sk.squeeze(k.zeros(2, 1), 0), "axis 0 of size 1"),
    (lambda k: sk.squeeze(k.zeros(2, 1), 2), "axis 2 of size 1"),
    (lambda k: sk.squeeze(k.zeros(2, 1), (1, -3)), "axis -3 of size 1"),
    (lambda k: sk.transpose2d(k.zeros(2, 3, 4)), "2 axes"),
    (lambda k: sk.transpose2d(k.zeros(2)), "2 axes"),
    (lambda k: sk.permute_dims(k.zeros(2, 3), (0,)), "one axis for each of (0,)"),
    (lambda k: sk.permute_dims(k.zeros(2, 3), (0, 0)), "one axis for each of (0, 0)"),
    (lambda k: sk.moveaxis(k.zeros(2), 0, 1), "axes 0, to be moved to 1"),
    (lambda k: sk.expand_dims(k.zeros(2), 2), "room for a new axis at 2, with 2 axes"),
    (lambda k: sk.expand_dims(k.zeros(2), (0, 0)), "room for a new axis at (0, 0)"),
    (lambda k: sk.add_channel_dim(k.zeros(2)), "axes h and w at the end"),
    (lambda k: sk.channels_first(k.zeros(2, 3)), "axes h, w and c at the end"),
    (lambda k: sk.channels_last(k.zeros(2, 3)), "axes c, h and w at the end"),
    (lambda k: sk.concat([k.zeros(2, 3), k.zeros(2, 4)]), "shapes that fit along axis 0"),
    (lambda k: sk.concat([k.zeros(2)], axis=1), "shapes that fit along axis 1"),
    (lambda k: sk.stack([k.zeros(2), k.zeros(3)]), "shapes that fit along axis 0"),
    (lambda k: sk.concat([]), "at least one array"),
    (lambda k: sk.stack([]), "at least one array"),
]


@pytest.mark.parametrize(("call", "expected"), REFUSED_SHAPES)
def test_a_shape_that_does_not_fit_is_refused_in_both_worlds(call, expected, world):
    with pytest.raises(sk.ShapeError) as caught:
        call(world)
    assert expected in str(caught.value)


def test_a_refused_matrix_is_told_of_permute_dims():
    with pytest.raises(sk.ShapeError) as caught:
        sk.transpose2d(np.zeros((2, 3, 4)))
    assert str(caught.value) == (
        "transpose2d() argument 'x': expected 2 axes, got float64[2, 3, 4] (NumPy).\n"
        "  permute_dims reorders any number of axes"
    )


@given(st.lists(st.integers(0, 3), max_size=4), st.data())
def test_expand_dims_and_squeeze_are_numpys(shape, data):
    x = np.zeros(shape)
    axis = data.draw(st.integers(-len(shape) - 1, len(shape)))
    expected = np.expand_dims(x, axis)
    assert sk.expand_dims(x, axis).shape == expected.shape
    assert sk.squeeze(expected, axis).shape == x.shape


@given(st.permutations([0, 1, 2, 3]), st.integers(-4, 3), st.integers(-4, 3))
def test_permute_dims_and_moveaxis_are_numpys(order, source, destination):
    x = np.zeros((2, 3, 4, 5))
    assert sk.permute_dims(x, tuple(order)).shape == np.transpose(x, order).shape
    moved = np.moveaxis(x, source, destination)
    assert sk.moveaxis(x, source, destination).shape == moved.shape


def test_joining_stays_in_its_world(world):
    xs = [world.zeros(2, 3), world.zeros(2, 3) + 1]
    assert tuple(sk.concat(xs).shape) == (4, 3)
    assert tuple(sk.concat(xs, axis=-1).shape) == (2, 6)
    assert tuple(sk.concat(xs, axis=None).shape) == (12,)
    assert tuple(sk.stack(xs).shape) == (2, 2, 3)
    assert tuple(sk.stack(xs, axis=-1).shape) == (2, 3, 2)
    assert isinstance(sk.concat(tuple(xs)), world.array_type)


def test_joining_two_worlds_is_refused(world, other):
    for join in (sk.concat, sk.stack, lambda xs: sk.namespace(*xs)):
        with pytest.raises(sk.WorldError) as caught:
            join([world.zeros(2), other.zeros(2)])
        noun = "an array" if world.name == "numpy" else "a tensor"
        assert f"item 1: expected {noun}, as item 0 is, got float32[2]" in str(caught.value)
        assert f"hint: [to_{world.name}(each) for each in arrays]" in str(caught.value)
    with pytest.raises(sk.WorldError, match=r"^concat\(\) item 1: expected an array or a tensor"):
        sk.concat([world.zeros(2), [1, 2]])


def test_the_namespace_is_array_api_compats(world):
    xp = sk.namespace(world.zeros(3))
    assert float(xp.sum(world.zeros(3) + 1)) == 3
    assert "array_api_compat" in xp.__name__
    with pytest.raises(sk.WorldError):
        sk.namespace([1])


def test_sekishos_helpers_pass_under_sekishos_guards(world):
    from jaxtyping import Shaped

    A = world.array_type

    @world.decorate
    def batch(x: Shaped[A, "*s"]) -> Shaped[A, "1 *s"]:
        return sk.add_batch_dim(x)

    @world.decorate
    def swap(x: Shaped[A, "n m"]) -> Shaped[A, "m n"]:
        return sk.transpose2d(x)

    @world.decorate
    def first(x: Shaped[A, "*b h w c"]) -> Shaped[A, "*b c h w"]:
        return sk.channels_first(x)

    @world.decorate
    def join(x: Shaped[A, "n *s"], y: Shaped[A, "m *s"]) -> Shaped[A, "n+m *s"]:
        return sk.concat([x, y])

    batch(world.zeros(2, 3))
    swap(world.zeros(2, 3))
    first(world.zeros(5, 2, 3, 4))
    join(world.zeros(2, 3), world.zeros(4, 3))


def test_what_is_joined_is_a_sequence(world):
    with pytest.raises(sk.BoundaryError) as caught:
        sk.concat(world.zeros(2) for _ in range(2))
    assert str(caught.value) == (
        "concat() its arguments: expected a sequence of arrays, got a generator.\n"
        "  hint: list(arrays)"
    )
    with pytest.raises(sk.BoundaryError, match=r"expected a sequence of arrays, got an int\.$"):
        sk.stack(3)
    with pytest.raises(TypeError, match="str"):
        sk.stack([world.zeros(2)], axis="0")
    with pytest.raises(sk.WorldError, match=r"^concat\(\) item 0: expected .*, got a str\."):
        sk.concat({"a": world.zeros(2)})


def test_subclasses_are_joined_too(world):
    kind = {"numpy": np.matrix, "torch": "Parameter"}[world.name]
    x = world.zeros(2, 3)
    x = x.view(kind) if world.name == "numpy" else sys.modules["torch"].nn.Parameter(x)
    assert tuple(sk.concat([x, x]).shape) == (4, 3)
    ndim = 2 if world.name == "numpy" else 1  # a matrix cannot be flattened
    assert len(sk.concat([x, x], axis=None).shape) == ndim


@pytest.mark.parametrize(
    "helper",
    [
        *(sk.add_batch_dim, sk.transpose2d, sk.add_channel_dim),
        lambda x: sk.remove_batch_dim(x[None]),
        lambda x: sk.expand_dims(x, axis=1),
        lambda x: sk.squeeze(x[None], axis=0),
        lambda x: sk.permute_dims(x, (1, 0)),
        lambda x: sk.moveaxis(x, 0, 1),
        lambda x: sk.channels_first(x[None]),
        lambda x: sk.concat([x, x]),
        lambda x: sk.concat([x, x], axis=None),
        lambda x: sk.stack([x, x]),
    ],
)
def test_the_first_tensor_of_a_process_is_recognised(torch, helper, monkeypatch):
    class NoTensorYet:
        """Stands for the tensor class if sekisho is imported before torch."""

    x = torch.arange(6).reshape(2, 3)
    expected = helper(x)
    for module in (ops, channels, joins):
        monkeypatch.setattr(module, "Tensor", NoTensorYet)
    assert torch.equal(helper(x), expected)
