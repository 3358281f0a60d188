"""A project in which each test crosses silently, on the one line that is marked as a plant.

tests/test_strict.py runs it in a separate pytest.
"""

import asyncio
import functools

import numpy as np
import pytest
import torch

import sekisho as sk

ARRAY = np.ones(3)
TENSOR = torch.ones(3, dtype=torch.float64)


def unguarded(x):
    return x * 2


# --- operations, in a function that stays in PyTorch ------------------------------------------


@sk.torch_world
def numpy_method(x: torch.Tensor):
    x.numpy()  # plant


@sk.torch_world
def asarray(x: torch.Tensor):
    np.asarray(x)  # plant


@sk.torch_world
def array(x: torch.Tensor):
    np.array([x, x])  # plant


@sk.torch_world
def numpy_stack(x: torch.Tensor):
    np.stack([x])  # plant


@sk.torch_world
def numpy_function(x: torch.Tensor):
    np.linalg.norm(x)  # plant


@sk.torch_world
def ufunc(x: torch.Tensor):
    np.exp(x)  # plant


@sk.torch_world
def assigned_to_array(x: torch.Tensor):
    ARRAY[:] = x  # plant


@sk.torch_world
def numpy_from_dlpack(x: torch.Tensor):
    np.from_dlpack(x)  # plant


@sk.torch_world
def to_numpy(x: torch.Tensor):
    sk.to_numpy(x)  # plant


@sk.torch_world
def to_numpy_copy(x: torch.Tensor):
    sk.to_numpy(x, copy=True)  # plant


@sk.torch_world
def as_tensor(_x: torch.Tensor):
    torch.as_tensor(ARRAY)  # plant


@sk.torch_world
def tensor_of_list(_x: torch.Tensor):
    torch.tensor([ARRAY, ARRAY])  # plant


@sk.torch_world
def torch_asarray(_x: torch.Tensor):
    torch.asarray(obj=ARRAY)  # plant


@sk.torch_world
def new_tensor(x: torch.Tensor):
    x.new_tensor(ARRAY)  # plant


@sk.torch_world
def from_numpy(_x: torch.Tensor):
    torch.from_numpy(ARRAY)  # plant


@sk.torch_world
def from_dlpack(_x: torch.Tensor):
    torch.from_dlpack(ARRAY)  # plant


@sk.torch_world
def utils_from_dlpack(_x: torch.Tensor):
    torch.utils.dlpack.from_dlpack(ARRAY)  # plant


@sk.torch_world
def frombuffer(_x: torch.Tensor):
    torch.frombuffer(ARRAY, dtype=torch.float64)  # plant


@sk.torch_world
def to_torch(_x: torch.Tensor):
    sk.to_torch(ARRAY)  # plant


@sk.torch_world
def tensor_times_array(x: torch.Tensor):
    x * ARRAY  # plant


@sk.torch_world
def tensor_equals_array(x: torch.Tensor):
    x == ARRAY  # plant


@sk.torch_world
def index_by_array(x: torch.Tensor):
    x[np.array([0, 1])]  # plant


@sk.torch_world(scalars="refuse")
def item(x: torch.Tensor):
    x[0].item()  # plant


@sk.torch_world(scalars="refuse")
def to_float(x: torch.Tensor):
    float(x[0])  # plant


@sk.torch_world(scalars="refuse")
def tolist(x: torch.Tensor):
    x.tolist()  # plant


@sk.torch_world(scalars="refuse")
def condition(x: torch.Tensor):
    if x[0] > 0:  # plant
        pass


# --- operations, in a function that stays in NumPy ---------------------------------------------


@sk.numpy_world
def factory(_x: np.ndarray):
    torch.zeros(3)  # plant


@sk.numpy_world
def operation(_x: np.ndarray):
    torch.relu(TENSOR)  # plant


@sk.numpy_world
def operator(_x: np.ndarray):
    TENSOR * 2  # plant


@sk.numpy_world
def array_method(_x: np.ndarray):
    TENSOR.numpy()  # plant


@sk.numpy_world
def numpy_of_tensor(x: np.ndarray):
    np.stack([x, TENSOR])  # plant


@sk.numpy_world
def from_numpy_in_numpy(x: np.ndarray):
    torch.from_numpy(x)  # plant


@sk.numpy_world
def helper_on_tensor(_x: np.ndarray):
    sk.add_batch_dim(TENSOR)  # plant


@sk.numpy_world
def transposed(_x: np.ndarray):
    TENSOR.T  # plant


@sk.numpy_world
def module(_x: np.ndarray):
    MODEL(TENSOR)  # plant


MODEL = torch.nn.Linear(3, 2, dtype=torch.float64)

# --- a function that stays in the world of its arguments ---------------------------------------


@sk.same_world
def same_world(x: sk.Array):
    np.asarray(x)  # plant


@sk.same_world
def same_world_array(x: sk.Array):
    torch.as_tensor(x)  # plant


# --- places ------------------------------------------------------------------------------------


class Pipeline:
    @sk.torch_world
    def method(self, x: torch.Tensor):
        return x.numpy()  # plant

    @staticmethod
    @sk.torch_world
    def static(x: torch.Tensor):
        return x.numpy()  # plant

    @classmethod
    @sk.torch_world
    def class_method(cls, x: torch.Tensor):
        return x.numpy()  # plant

    @sk.torch_world
    def coroutine_method(self, x: torch.Tensor):
        return x.numpy()  # plant


@sk.numpy_world
class Whole:
    def run(self, x: np.ndarray):
        return torch.from_numpy(x)  # plant

    @property
    def weights(self):
        return TENSOR + 1  # plant

    @functools.cached_property
    def cached(self):
        return TENSOR + 1  # plant


@sk.torch_world
def list_comprehension(x: torch.Tensor):
    return [each.numpy() for each in x]  # plant


@sk.torch_world
def generator_expression(x: torch.Tensor):
    return sum(each.numpy() for each in x)  # plant


@sk.torch_world
def nested(x: torch.Tensor):
    def inner():
        return x.numpy()  # plant

    return inner()


@sk.torch_world
def anonymous(x: torch.Tensor):
    inner = lambda y: y.numpy()  # plant
    return inner(x)


@sk.torch_world
def unguarded_helper(x: torch.Tensor):
    return convert(x)


def convert(x):
    return x.numpy()  # plant


@sk.torch_world
async def coroutine(x: torch.Tensor):
    await asyncio.sleep(0)
    return x.numpy()  # plant


@sk.torch_world
async def awaited(x: torch.Tensor):
    await asyncio.sleep(0)
    with sk.crossing_allowed():
        x.numpy()
        await asyncio.sleep(0)
    await asyncio.sleep(0)
    return x.numpy()  # plant


@sk.torch_world
def generator(x: torch.Tensor):
    yield x
    yield torch.as_tensor(ARRAY)  # plant


@sk.torch_world
async def async_generator(x: torch.Tensor):
    yield x
    await asyncio.sleep(0)
    yield torch.as_tensor(ARRAY)  # plant


@sk.torch_world
def after_a_boundary(x: torch.Tensor):
    loss_to_plot(x)
    return x.numpy()  # plant


@sk.boundary
def loss_to_plot(x: torch.Tensor) -> np.ndarray:
    return x.numpy()


@sk.numpy_world
def inside_of_another_world(x: np.ndarray):
    gate(x)
    return torch.from_numpy(x)  # plant


@sk.torch_world(on_foreign="convert", returns="caller")
def gate(x: torch.Tensor) -> torch.Tensor:
    return x + 1


@sk.numpy_world
def argument(x: np.ndarray):
    return x


@sk.torch_world
def caught_inside(x: torch.Tensor):
    try:
        x.numpy()  # plant
    except Exception:
        pass
    return x


@sk.torch_world
def caught_further_out(x: torch.Tensor):
    try:
        numpy_method_too(x)
    except TypeError:
        return x


@sk.torch_world
def numpy_method_too(x: torch.Tensor):
    x.numpy()  # plant


@sk.torch_world
def caught_at_a_boundary(x: torch.Tensor):
    try:
        argument(x)
    except sk.WorldError:  # the boundary's error names `argument`
        return x


async def consume(generator):
    return [each async for each in generator]


CALLS = [
    (each, TENSOR)
    for each in (
        *(numpy_method, asarray, array, numpy_stack, numpy_function, ufunc, assigned_to_array),
        *(numpy_from_dlpack, to_numpy, to_numpy_copy, as_tensor, tensor_of_list, torch_asarray),
        *(new_tensor, from_numpy, from_dlpack, utils_from_dlpack, frombuffer, to_torch),
        *(tensor_times_array, tensor_equals_array, index_by_array, item, to_float, tolist),
        *(condition, same_world, Pipeline().method, Pipeline.static, Pipeline.class_method),
        *(Pipeline().coroutine_method, list_comprehension, generator_expression, nested),
        *(anonymous, unguarded_helper, after_a_boundary, caught_inside, caught_further_out),
    )
] + [
    (each, ARRAY)
    for each in (
        *(factory, operation, operator, array_method, numpy_of_tensor, from_numpy_in_numpy),
        *(helper_on_tensor, transposed, module, same_world_array, Whole().run),
        inside_of_another_world,
    )
]


@pytest.mark.parametrize(
    ("function", "value"), CALLS, ids=lambda each: getattr(each, "__qualname__", "")
)
def test_call(function, value):
    function(value)


@pytest.mark.parametrize("name", ["weights", "cached"])
def test_property(name):
    getattr(Whole(), name)


@pytest.mark.parametrize("function", [coroutine, awaited], ids=lambda each: each.__name__)
def test_coroutine(function):
    asyncio.run(function(TENSOR))


def test_generator():
    list(generator(TENSOR))


def test_async_generator():
    asyncio.run(consume(async_generator(TENSOR)))


def test_at_a_boundary():
    caught_at_a_boundary(TENSOR)
