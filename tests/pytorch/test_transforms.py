"""Guards inside torch.func, autograd's modes and module wrappers."""

from __future__ import annotations

import copy

import numpy as np
import pytest
from jaxtyping import Float

import sekisho as sk


@pytest.fixture
def energy(torch):
    @sk.torch_world
    def energy(
        x: Float[torch.Tensor, "n"], w: Float[torch.Tensor, "n n"]
    ) -> Float[torch.Tensor, ""]:
        return x @ w @ x

    return energy


@pytest.fixture
def net(torch):
    class Net(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.linear = torch.nn.Linear(3, 3)

        @sk.torch_world
        def forward(self, x: Float[torch.Tensor, "b 3"]) -> Float[torch.Tensor, "b 3"]:
            return self.linear(x)

    return Net()


@pytest.fixture
def x(torch):
    return torch.arange(6.0).reshape(2, 3)


# --- torch.func ---------------------------------------------------------------------------------


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # from torch, inside jvp
def test_torch_func_gives_what_it_gives_without_a_guard(torch, energy, x):
    plain, w = energy.__wrapped__, torch.eye(3) + 1
    func, one = torch.func, x[0]
    for make, arguments in (
        (lambda f: func.vmap(f, in_dims=(0, None)), (x, w)),
        (func.grad, (one, w)),
        (func.jacrev, (one, w)),
        (func.jacfwd, (one, w)),
        (func.hessian, (one, w)),
        (lambda f: func.vmap(func.grad(f), in_dims=(0, None)), (x, w)),
        (lambda f: lambda a, b: func.jvp(f, (a, b), (a, b))[1], (one, w)),
        (lambda f: lambda a, b: func.vjp(f, a, b)[1](torch.tensor(1.0))[1], (one, w)),
    ):
        torch.testing.assert_close(make(energy)(*arguments), make(plain)(*arguments))


def test_axes_are_those_that_a_function_sees_inside_vmap(torch, energy, x):
    with pytest.raises(sk.ShapeError, match="axis 'n' is 3"):
        torch.func.vmap(energy, in_dims=(0, None))(x, torch.eye(4))


def test_functional_call_and_stacked_modules(torch, net, x):
    parameters = {name: torch.zeros_like(p) for name, p in net.named_parameters()}
    assert torch.func.functional_call(net, parameters, (x,)).abs().sum() == 0


@pytest.mark.parametrize("transform", ["vmap", "grad"])
def test_nothing_is_converted_inside_a_transform(torch, transform, x):
    @sk.numpy_world
    def numpy_side(x: Float[np.ndarray, "n"]):
        return x

    with pytest.raises(sk.ConversionError, match=r"this runs inside a torch.func transform"):
        getattr(torch.func, transform)(numpy_side)(x if transform == "vmap" else x[0])


# --- autograd and its modes ----------------------------------------------------------------------


@pytest.mark.parametrize("reentrant", [False, True])
def test_checkpoint(torch, net, x, reentrant):
    from torch.utils.checkpoint import checkpoint

    x = x.requires_grad_()
    net(x).sum().backward()
    expected, x.grad = x.grad, None
    checkpoint(net, x, use_reentrant=reentrant).sum().backward()
    torch.testing.assert_close(x.grad, expected)


def test_autocast_changes_the_dtype_and_the_guard_says_so(torch, net, x):
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert net(x).dtype == torch.bfloat16  # Float is any float

        @sk.torch_world
        def exact(x: Float[torch.Tensor, "b n"]) -> sk.Array:
            return x @ x.T

        assert exact(x).dtype == torch.bfloat16


@pytest.mark.parametrize("mode", ["no_grad", "inference_mode"])
def test_no_grad_and_inference_mode(torch, net, x, mode):
    with getattr(torch, mode)():
        assert not net(x).requires_grad
        back = sk.to_numpy(net(x))
    assert back.shape == (2, 3)


def test_gradcheck_passes_a_guard(torch, energy):
    x, w = torch.rand(3, dtype=torch.float64, requires_grad=True), torch.eye(3, dtype=torch.float64)
    assert torch.autograd.gradcheck(energy, (x, w))


# --- what wraps a module ---------------------------------------------------------------------------


def test_parametrize(torch, x):
    class Symmetric(torch.nn.Module):
        @sk.torch_world
        def forward(self, w: Float[torch.Tensor, "n n"]) -> Float[torch.Tensor, "n n"]:
            return w.triu() + w.triu(1).T

    layer = torch.nn.Linear(3, 3)
    torch.nn.utils.parametrize.register_parametrization(layer, "weight", Symmetric())
    assert torch.equal(layer.weight, layer.weight.T)
    assert layer(x).shape == (2, 3)


def test_forward_hooks_see_what_passes(torch, net, x):
    seen = []
    net.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0].shape))
    net.register_forward_hook(lambda _, __, output: output * 0)
    assert net(x).abs().sum() == 0
    assert seen == [(2, 3)]


def test_replicas_are_copies_that_are_guarded_too(torch, net, x):
    for replica in (copy.copy(net), copy.deepcopy(net)):
        torch.testing.assert_close(replica(x), net(x))
        with pytest.raises(sk.ShapeError):
            replica(x.T)
    assert copy.deepcopy(type(net).forward) is type(net).forward


def test_a_state_dict_is_the_modules_own(torch, net):
    assert set(net.state_dict()) == {"linear.weight", "linear.bias"}


# --- subclasses of Tensor ----------------------------------------------------------------------------


def test_subclasses_are_tensors(torch, energy):
    class Mine(torch.Tensor):
        pass

    w = torch.nn.Parameter(torch.eye(3))
    x = torch.ones(3).as_subclass(Mine)
    assert energy(x, w) == 3
    with pytest.raises(sk.ShapeError):
        energy(x, torch.nn.Parameter(torch.eye(2)))
    with pytest.raises(sk.ConversionError, match=r"it is a Mine, whose meaning"):
        sk.to_numpy(x)
