"""The clean counterpart of test_planted.py: the same kinds of code, without hidden crossings."""

import asyncio
import logging

import numpy as np
import torch

import sekisho as sk

ARRAY = np.ones(3)
TENSOR = torch.ones(3, dtype=torch.float64)


@sk.torch_world
def control(x: torch.Tensor):
    """Numbers and attributes of a tensor, as logging and control flow need them."""
    logging.getLogger(__name__).info("%s %s %s", x, x.shape, float(x[0]))
    if x.sum() > 0 and x[0].item() > 0 and len(x) == 3:
        return x * np.float64(2), x.tolist()
    return x, []


@sk.numpy_world
def looks(x: np.ndarray, extra=None):
    """Inspecting a tensor is not an operation, nor is passing it on."""
    assert TENSOR.shape == (3,)
    assert TENSOR.dtype is torch.float64
    assert TENSOR.device.type == "cpu"
    assert "tensor" in repr(TENSOR)
    assert not sk.is_numpy(TENSOR)
    assert gate(x).shape == (3,)
    return to_plot(from_model(x)) + x


@sk.torch_world(on_foreign="convert", returns="caller")
def gate(x: torch.Tensor) -> torch.Tensor:
    return x + 1


@sk.boundary
def from_model(x: np.ndarray) -> torch.Tensor:
    return torch.relu(torch.from_numpy(x))


@sk.boundary
def to_plot(x: torch.Tensor) -> np.ndarray:
    return np.stack([x.numpy()])[0]


@sk.torch_world
def allowed(x: torch.Tensor):
    with sk.crossing_allowed():
        np.asarray(x)
        torch.from_numpy(ARRAY)
    return [each * 2 for each in x]


@sk.torch_world
def scoped(x: torch.Tensor):
    with sk.mode("convert"):
        x.numpy()
    with sk.mode("strict", to_numpy="allow"):
        x.numpy()
    return x


@sk.same_world
def center(x: sk.Array):
    return x - x.mean()


@sk.torch_world
async def coroutine(x: torch.Tensor):
    with sk.crossing_allowed():
        await asyncio.sleep(0)
        x.numpy()
    return await another(x)


@sk.numpy_world
async def numpy_coroutine(x: np.ndarray):
    for _ in range(5):
        await asyncio.sleep(0)
        x = x + 1
    return x


@sk.torch_world
async def another(x: torch.Tensor):
    for _ in range(5):
        await asyncio.sleep(0)
        x = x + 1
    return x


@sk.torch_world
def generator(x: torch.Tensor):
    for each in x:
        got = yield each + 1
        assert got is None or isinstance(got, torch.Tensor)


def test_control():
    control(TENSOR)


def test_looks():
    looks(ARRAY)


def test_allowed():
    allowed(TENSOR)


def test_scoped():
    scoped(TENSOR)


def test_same_world():
    center(TENSOR)
    center(ARRAY)
    torch.as_tensor(center(ARRAY))


def test_a_generator_is_not_watched_while_it_is_suspended():
    for each in generator(TENSOR):
        each.numpy()
        torch.from_numpy(ARRAY)
        looks(ARRAY)


def test_tasks_do_not_watch_each_other():
    async def main():
        await asyncio.gather(
            *(coroutine(TENSOR) for _ in range(10)), *(numpy_coroutine(ARRAY) for _ in range(10))
        )

    asyncio.run(main())


def test_the_test_itself_may_cross():
    assert sk.to_numpy(TENSOR).sum() == np.asarray(TENSOR).sum()
