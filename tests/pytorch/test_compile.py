"""Guards under torch.compile and torch.export: no graph break, no extra compilation."""

from __future__ import annotations

import pytest
from jaxtyping import Float, Float32

import sekisho as sk


@pytest.fixture
def matmul(torch):
    torch._dynamo.reset()

    @sk.torch_world
    def matmul(
        x: Float[torch.Tensor, "*b n k"], y: Float[torch.Tensor, "k m"], scale: float = 1.0, z=None
    ) -> Float[torch.Tensor, "*b n m"]:
        return x @ y * scale

    return matmul


@pytest.fixture
def net(torch):
    torch._dynamo.reset()

    class Layer(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.linear = torch.nn.Linear(3, 3)

        @sk.torch_world(device="module")
        def forward(self, x: Float32[torch.Tensor, "b 3"]) -> Float32[torch.Tensor, "b 3"]:
            return self.linear(x)

    class Net(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.layers = torch.nn.Sequential(Layer(), Layer())

        @sk.torch_world
        def forward(self, x: Float32[torch.Tensor, "b 3"]) -> Float32[torch.Tensor, "b 3"]:
            return center(self.layers(x))

    return Net()


@sk.same_world
def center(x: Float[sk.Array, "*b n"]) -> Float[sk.Array, "*b n"]:
    return x - x.mean(-1, keepdims=True)


def test_a_guarded_function_compiles_whole(matmul, torch):
    x, y = torch.rand(2, 3), torch.rand(3, 4)
    compiled = torch.compile(matmul, fullgraph=True, backend="eager")
    assert torch.equal(compiled(x, y), matmul(x, y))


def test_nested_guarded_modules_compile_whole(net, torch):
    x = torch.rand(2, 3)
    compiled = torch.compile(net, fullgraph=True, backend="eager")
    assert torch.equal(compiled(x), net(x))


@pytest.mark.parametrize("dynamic", [None, True])
def test_twenty_batch_sizes_compile_as_often_as_without_a_guard(matmul, dynamic, torch):
    from torch._dynamo.testing import CompileCounter

    counts = []
    for function in (matmul, matmul.__wrapped__):
        torch._dynamo.reset()
        counter = CompileCounter()
        compiled = torch.compile(function, fullgraph=True, backend=counter, dynamic=dynamic)
        for batch in range(2, 22):
            compiled(torch.ones(batch, 3), torch.ones(3, 4))
        counts.append(counter.frame_count)
    assert counts[0] == counts[1]


@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning")
@pytest.mark.parametrize("strict", [True, False])
def test_a_guarded_module_exports_with_a_dynamic_batch(net, strict, torch):
    x = torch.rand(2, 3)
    shapes = {"x": {0: torch.export.Dim("b")}}
    program = torch.export.export(net, (x,), dynamic_shapes=shapes, strict=strict)
    assert program.module()(torch.rand(5, 3)).shape == (5, 3)
