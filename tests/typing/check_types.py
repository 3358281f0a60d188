"""What type checkers infer for the library: checked by `make lint`, never run.

Each `assert_type` must hold, and each ignored error must be one, for mypy and for pyright.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from dataclasses import dataclass
from typing import Any, Literal, Protocol, assert_type, cast

import jax
import numpy as np
import torch
from jaxtyping import Float, Float32, UInt8
from numpy.typing import NDArray

import sekisho as sk
from sekisho.testing import assert_same_values, both_worlds

array: NDArray[np.float32] = np.zeros((2, 3), np.float32)
tensor: torch.Tensor = torch.zeros(2, 3)


# --- decorators keep the signature ---------------------------------------------------------------


@sk.numpy_world
def scale(x: Float32[np.ndarray, "n d"], by: float = 1.0, *, name: str) -> int:
    return len(name)


assert_type(scale(array, 2.0, name="a"), int)
scale(array)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
scale(array, "2", name="a")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]


@sk.torch_world(device="module", casting="same_kind")
def forward(module: torch.nn.Module, x: Float[torch.Tensor, "n"]) -> torch.Tensor:
    return x


assert_type(forward(torch.nn.Identity(), tensor), torch.Tensor)
forward(tensor)  # type: ignore[call-arg,arg-type]  # pyright: ignore[reportCallIssue]


# These accept arrays of either world, so type checkers do not check the arguments of callers.
@sk.numpy_world(returns="caller")
def smoothed(x: Float32[np.ndarray, "n"]) -> Float32[np.ndarray, "n"]:
    return x


on_gpu: torch.Tensor = smoothed(tensor)  # it returns to the device of the argument


@sk.torch_world(on_foreign="convert")
def norm(x: Float32[torch.Tensor, "n"], least: float = 0.0) -> float:
    return least


assert_type(norm(array), float)


# No type can express which parameters accept more; a protocol can, for one function.
class Norm(Protocol):
    def __call__(self, x: np.ndarray | torch.Tensor, least: float = 0.0) -> float: ...


checked_norm = cast(Norm, norm)
assert_type(checked_norm(array, least=1.0), float)
checked_norm(array, lest=1.0)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
checked_norm([1.0])  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]


class Picture:  # like PIL's images
    __array_interface__ = array.__array_interface__


assert_type(sk.to_numpy(Picture()), NDArray[Any])
sk.to_torch(1.0)  # type: ignore[call-overload]  # pyright: ignore[reportCallIssue, reportArgumentType]
assert_type(sk.to_torch({"a": array}), dict[str, Any])
assert_type(sk.to_numpy([array]), list[Any])


class Model:
    @sk.torch_world
    def run(self, x: torch.Tensor) -> torch.Tensor:
        return x

    @property
    @sk.numpy_world
    def size(self) -> int:
        return 1

    @staticmethod
    @sk.numpy_world
    def load(path: str) -> NDArray[np.float32]:
        return array

    @classmethod
    @sk.numpy_world
    def make(cls, n: int) -> Model:
        return cls()


assert_type(Model().run(tensor), torch.Tensor)
assert_type(Model().size, int)
assert_type(Model.load("a"), NDArray[np.float32])
assert_type(Model.make(1), Model)
Model().run(3)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]


@sk.numpy_world
@dataclass
class Sample:
    image: UInt8[np.ndarray, "h w 3"]
    label: int = 0


assert_type(Sample(np.zeros((2, 2, 3), np.uint8)), Sample)
assert_type(Sample(np.zeros((2, 2, 3), np.uint8)).label, int)


@sk.numpy_world
async def fetch(n: int) -> NDArray[np.float32]:
    return array


@sk.numpy_world
def batches(x: NDArray[np.float32]) -> Generator[NDArray[np.float32], None, int]:
    yield x
    return 1


async def use() -> None:
    assert_type(await fetch(1), NDArray[np.float32])


assert_type(batches(array), Generator[NDArray[np.float32], None, int])


# --- JAX ------------------------------------------------------------------------------------------


@sk.jax_world
def project(x: Float[jax.Array, "n d"], by: float = 1.0) -> jax.Array:
    return sk.add_batch_dim(x) * by


@sk.jax_world(on_foreign="convert", device="cpu")
def project_any(x: Float[jax.Array, "n d"]) -> jax.Array:
    return x


jax_array: jax.Array = sk.to_jax(array)
assert_type(project(jax_array), jax.Array)
assert_type(project_any(array), jax.Array)
project("x")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
assert_type(sk.transpose2d(jax_array), jax.Array)
assert_type(sk.stack([jax_array, jax_array]), jax.Array)
assert_type(sk.to_numpy(jax_array), NDArray[Any])
assert_type(sk.to_world_of(tensor, jax_array), jax.Array)


# --- same_world: what the caller has is what it gets ------------------------------------------------


@sk.same_world
def center(x: sk.Array, by: float = 0.0) -> sk.Array:
    return x


assert_type(center(tensor), torch.Tensor)
center([1.0])  # type: ignore[type-var]  # pyright: ignore[reportArgumentType]


# --- on_foreign="convert" takes arrays of either world ---------------------------------------------


@sk.numpy_world(on_foreign="convert")
def gate(x: Float32[np.ndarray, "n"]) -> str:
    return "passed"


assert_type(gate(tensor), str)
assert_type(gate(array), str)


@sk.numpy_world(on_foreign="convert")
class Gate:
    def __init__(self, x: NDArray[np.float32]) -> None:
        self.x = x


assert_type(Gate, type[Gate])


@sk.numpy_world(on_foreign="refuse")
def shut(x: NDArray[np.float32]) -> str:
    return "passed"


shut(tensor)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
sk.numpy_world(on_foreign="perhaps")  # type: ignore[call-overload]  # pyright: ignore[reportArgumentType, reportCallIssue]
sk.numpy_world(device="cuda")  # type: ignore[call-overload]  # pyright: ignore[reportCallIssue]


# --- helpers: array in, array out; tensor in, tensor out ---------------------------------------------

assert_type(sk.add_batch_dim(array), NDArray[np.float32])
assert_type(sk.add_batch_dim(tensor), torch.Tensor)
assert_type(sk.remove_batch_dim(tensor), torch.Tensor)
assert_type(sk.add_channel_dim(array), NDArray[np.float32])
assert_type(sk.expand_dims(tensor, axis=1), torch.Tensor)
assert_type(sk.squeeze(array, axis=(0, 1)), NDArray[np.float32])
assert_type(sk.transpose2d(array), NDArray[np.float32])
assert_type(sk.permute_dims(tensor, (1, 0)), torch.Tensor)
assert_type(sk.moveaxis(tensor, 0, 1), torch.Tensor)
assert_type(sk.channels_first(array), NDArray[np.float32])
assert_type(sk.channels_last(tensor), torch.Tensor)
assert_type(sk.concat([array, array]), NDArray[np.float32])
assert_type(sk.stack([tensor, tensor], axis=1), torch.Tensor)
assert_type(sk.to_torch(array), torch.Tensor)
assert_type(sk.to_numpy(tensor), NDArray[Any])
assert_type(sk.to_world_of(array, tensor), torch.Tensor)
assert_type(sk.to_world_of(tensor, array), NDArray[Any])
sk.add_batch_dim([1, 2])  # type: ignore[call-overload]  # pyright: ignore[reportCallIssue, reportArgumentType]


# --- the rest ---------------------------------------------------------------------------------------------


def narrow(x: NDArray[np.float32] | torch.Tensor) -> None:
    if sk.is_torch(x):
        assert_type(x, torch.Tensor)
    else:
        assert_type(x, NDArray[np.float32])
    if sk.is_numpy(x):
        assert_type(x, NDArray[np.float32])


assert_type(sk.world_of(array), str | None)
assert_type(sk.get_mode(), Literal["convert", "warn", "strict", "off"])
sk.set_mode("loose")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
sk.set_mode("convert", violations="wran")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
with sk.mode("off", violations="warn"), sk.mode("off", violations=None):
    assert_type(sk.CrossingLog().violations[0].count, int)
with sk.mode("strict", to_torch="warn"), sk.record_crossings() as log, sk.crossing_allowed():
    assert_type(log, sk.CrossingLog)
    assert_type(log[0], sk.Crossing)

try:
    gate(3)
except sk.BoundaryError as error:
    assert_type(error.violation, sk.Violation | None)
    assert_type(error.to_dict(), dict[str, Any])

assert_same_values(array, tensor)
both_worlds(center, array)
plain: Callable[[int], int] = sk.unguarded(lambda n: n)
