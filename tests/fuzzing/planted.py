"""Functions with bugs that their annotations permit, each beside the repaired function.

The bugs are of kinds found in issue threads: strides that a library rejects, views of arrays that
are not contiguous, reductions of empty arrays, mixed-up axes, modified arguments, integer overflow,
accidental broadcasting, and words that mean different things in two libraries.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import torch
from jaxtyping import Complex64, Float, Float32, Float64, Int64, UInt8

import sekisho as sk

A = np.ndarray
T = torch.Tensor


class Planted(NamedTuple):
    kind: str
    broken: Any
    mended: Any
    options: dict[str, Any]


PLANTED: list[Planted] = []


def plant(kind, decorate, mended, **options):
    """Put a broken function beside the repaired one, with equal guards."""

    def add(broken):
        guards = [decorate(broken), decorate(mended)]
        PLANTED.append(Planted(kind, *guards, options))
        return guards[0]

    return add


# --- strides that a library refuses, and memory that is taken for contiguous


def upload_mended(image: Float32[A, "h w"]) -> Float32[T, "h w"]:
    return sk.to_torch(np.ascontiguousarray(image, np.float32))


@plant("negative strides", sk.boundary, upload_mended)
def upload(image: Float32[A, "h w"]) -> Float32[T, "h w"]:
    return torch.from_numpy(image)


def flatten_mended(x: Float32[T, "b h w"]) -> Float32[T, "b h*w"]:
    return x.flatten(1)


@plant("view of what is not contiguous", sk.torch_world, flatten_mended)
def flatten(x: Float32[T, "b h w"]) -> Float32[T, "b h*w"]:
    return x.view(x.shape[0], x.shape[1] * x.shape[2])


def halves_mended(x: Float64[A, "n m"]) -> Float32[A, "n 2*m"]:
    return np.ascontiguousarray(x, np.float64).view(np.float32)


@plant("view of what is not contiguous", sk.numpy_world, halves_mended)
def halves(x: Float64[A, "n m"]) -> Float32[A, "n 2*m"]:
    return x.view(np.float32)


def windows_mended(x: Float32[T, "n"]) -> Float32[T, "m 3"]:
    return x.unfold(0, 3, 1) if x.shape[0] >= 3 else x.new_zeros((0, 3))


@plant("strides taken for granted", sk.torch_world, windows_mended)
def windows(x: Float32[T, "n"]) -> Float32[T, "m 3"]:
    return x.as_strided((max(x.shape[0] - 2, 0), 3), (1, 1))


def diagonal_mended(x: Float32[T, "n n"]) -> Float32[T, "n"]:
    return x.diagonal()


@plant("strides taken for granted", sk.torch_world, diagonal_mended)
def diagonal(x: Float32[T, "n n"]) -> Float32[T, "n"]:
    return x.as_strided((x.shape[0],), (x.shape[0] + 1,))


def ranks_mended(x: Float32[A, "n m"]) -> Float32[A, "n*m"]:
    return x.ravel()


@plant("order of memory", sk.numpy_world, ranks_mended)
def ranks(x: Float32[A, "n m"]) -> Float32[A, "n*m"]:
    return x.ravel(order="K")


def signs_mended(x: Float32[A, "n"]) -> Int64[A, "n"]:
    return np.signbit(x).astype(np.int64)


@plant("byte order", sk.numpy_world, signs_mended)
def signs(x: Float32[A, "n"]) -> Int64[A, "n"]:
    return (np.ascontiguousarray(x).view(np.uint32) >> 31).astype(np.int64)


def packed_mended(x: Float32[A, "n"]) -> Float32[A, "n"]:
    return x.astype("<f4").copy()


@plant("byte order", sk.numpy_world, packed_mended)
def packed(x: Float32[A, "n"]) -> Float32[A, "n"]:
    return np.frombuffer(x.tobytes(), "<f4")


# --- nothing, and one


def peak_mended(x: Float[A, "n"]) -> Float[A, ""]:
    return np.asarray(x.max(initial=-np.inf))


@plant("reduction of nothing", sk.numpy_world, peak_mended)
def peak(x: Float[A, "n"]) -> Float[A, ""]:
    return np.asarray(x.max())


def best_mended(x: Float32[T, "b c"]) -> Int64[T, "b"]:
    if x.shape[1] == 0:
        return torch.zeros(x.shape[0], dtype=torch.int64)
    return x.argmax(1)


@plant("reduction of nothing", sk.torch_world, best_mended)
def best(x: Float32[T, "b c"]) -> Int64[T, "b"]:
    return x.argmax(1)


def rows_mended(x: Float32[A, "b h w"]) -> Float32[A, "b h*w"]:
    return x.reshape(x.shape[0], x.shape[1] * x.shape[2])


@plant("no batch", sk.numpy_world, rows_mended)
def rows(x: Float32[A, "b h w"]) -> Float32[A, "b h*w"]:
    return x.reshape(x.shape[0], -1)


def normed_mended(x: Float32[T, "b n"]) -> Float32[T, "b n"]:
    return x.softmax(1)


@plant("no batch", sk.torch_world, normed_mended)
def normed(x: Float32[T, "b n"]) -> Float32[T, "b n"]:
    return torch.stack([row.softmax(0) for row in x])


def scores_mended(x: Float32[T, "b d"]) -> Float32[T, "b"]:
    return x.sum(1, keepdim=True).squeeze(1)


@plant("a batch of one", sk.torch_world, scores_mended)
def scores(x: Float32[T, "b d"]) -> Float32[T, "b"]:
    return x.sum(1, keepdim=True).squeeze()


def pairs_mended(x: Float32[A, "n"]) -> Float32[A, "m"]:
    return np.diff(x) if x.size else x


@plant("a batch of one", sk.numpy_world, pairs_mended)
def pairs(x: Float32[A, "n"]) -> Float32[A, "m"]:
    steps = [x[i + 1] - x[i] for i in range(x.size - 1)]
    return np.stack(steps) if x.size else x


def average_mended(x: Float32[T, "n"]) -> float:
    return float(x.detach().sum()) / max(x.shape[0], 1)


@plant("division by none", sk.torch_world, average_mended)
def average(x: Float32[T, "n"]) -> float:
    return float(x.detach().sum()) / x.shape[0]


# --- axes


def swapped_mended(x: Float32[A, "h w"]) -> Float32[A, "w h"]:
    return x.T


@plant("mixed-up axes", sk.numpy_world, swapped_mended)
def swapped(x: Float32[A, "h w"]) -> Float32[A, "w h"]:
    return np.rot90(x, 2)


def batched_mended(x: Float32[T, "b n d"], y: Float32[T, "b m d"]) -> Float32[T, "b n m"]:
    return x @ y.mT


@plant("mixed-up axes", sk.torch_world, batched_mended)
def batched(x: Float32[T, "b n d"], y: Float32[T, "b m d"]) -> Float32[T, "b n m"]:
    return x @ y


def centered_mended(x: Float32[A, "n d"]) -> Float32[A, "n d"]:
    return x - x.sum(1, keepdims=True) / max(x.shape[1], 1)


@plant("broadcast by accident", sk.numpy_world, centered_mended)
def centered(x: Float32[A, "n d"]) -> Float32[A, "n d"]:
    return x - x.sum(1) / max(x.shape[1], 1)


def errors_mended(x: Float32[T, "n 1"], y: Float32[T, "n"]) -> Float32[T, "n 1"]:
    return x - y[:, None]


@plant("broadcast by accident", sk.torch_world, errors_mended)
def errors(x: Float32[T, "n 1"], y: Float32[T, "n"]) -> Float32[T, "n 1"]:
    return x - y


# --- arguments that are changed


def shifted_mended(x: Float32[A, "n d"]) -> Float32[A, "n d"]:
    return x - 1


@plant("changed in place", sk.numpy_world, shifted_mended)
def shifted(x: Float32[A, "n d"]) -> Float32[A, "n d"]:
    x -= 1
    return x


def clean_mended(x: Float32[A, "n"]) -> Float32[A, "n"]:
    return np.nan_to_num(x)


@plant("changed in place", sk.numpy_world, clean_mended)
def clean(x: Float32[A, "n"]) -> Float32[A, "n"]:
    return np.nan_to_num(x, copy=False) if x.flags.writeable else np.nan_to_num(x)


def clipped_mended(x: Float32[T, "n"]) -> Float32[T, "n"]:
    return x.clamp(0)


@plant("changed in place", sk.torch_world, clipped_mended)
def clipped(x: Float32[T, "n"]) -> Float32[T, "n"]:
    return x.detach().clamp_(0)


def marked_mended(x: Float32[A, "n m"]) -> Float32[A, "n*m"]:
    flat = x.flatten()
    flat[:1] = 0
    return flat


@plant("changed in place", sk.numpy_world, marked_mended)
def marked(x: Float32[A, "n m"]) -> Float32[A, "n*m"]:
    flat = x.ravel()  # a view of a contiguous array, a copy of others
    if flat.flags.writeable:
        flat[:1] = 0
    return flat


# --- numbers


def counts_mended(x: Int64[A, "n"]) -> Int64[A, "m"]:
    return np.unique(x, return_counts=True)[1].astype(np.int64)


@plant("integers that overflow", sk.numpy_world, counts_mended)
def counts(x: Int64[A, "n"]) -> Int64[A, "m"]:
    if x.size == 0:
        return x
    return np.bincount(x - x.min())


def brighter_mended(x: UInt8[A, "h w"]) -> UInt8[A, "h w"]:
    return np.minimum(x.astype(np.int16) + 256, 255).astype(np.uint8)


@plant("integers that overflow", sk.numpy_world, brighter_mended)
def brighter(x: UInt8[A, "h w"]) -> UInt8[A, "h w"]:
    return np.minimum(x + 256, 255).astype(np.uint8)


def binned_mended(x: Float32[A, "n"]) -> Int64[A, "8"]:
    return np.histogram(x[np.isfinite(x)].astype(np.float64), 8, (-4, 16))[0].astype(np.int64)


@plant("not a number", sk.numpy_world, binned_mended)
def binned(x: Float32[A, "n"]) -> Int64[A, "8"]:
    return np.histogram(x, 8)[0]


def settled_mended(x: Float32[T, "n"]) -> Float32[T, "n"]:
    for _ in range(200):
        x = x / 2
    return x


@plant("not a number", sk.torch_world, settled_mended, seconds=0.2)
def settled(x: Float32[T, "n"]) -> Float32[T, "n"]:
    while not bool((x.abs() <= 1e-3).all()):
        x = x / 2
    return x


def weighted_mended(x: Float32[A, "n"]) -> Float32[A, "n"]:
    return x * np.float32(0.5)


@plant("a wider dtype", sk.numpy_world, weighted_mended)
def weighted(x: Float32[A, "n"]) -> Float32[A, "n"]:
    return x * np.float64(0.5)


# --- two libraries, two meanings


def spread_mended(x: Float64[sk.Array, "n"]) -> Float64[sk.Array, "n"]:
    mean = x.sum() / max(x.shape[0], 1)
    return (x - mean) ** 2


@plant("one word, two meanings", sk.same_world, spread_mended)
def spread(x: Float64[sk.Array, "n"]) -> Float64[sk.Array, "n"]:
    return x - x.std()  # NumPy divides by n, PyTorch by n - 1


def twice_mended(x: Float32[sk.Array, "n"]) -> Float32[sk.Array, "2*n"]:
    return sk.concat([x, x], axis=0)


@plant("one word, two meanings", sk.same_world, twice_mended)
def twice(x: Float32[sk.Array, "n"]) -> Float32[sk.Array, "2*n"]:
    return x.repeat(2)  # aabb in NumPy, abab in PyTorch


def largest_mended(x: Float32[sk.Array, "n 3"]) -> Float32[sk.Array, "n"]:
    return -(-x).min(1) if sk.is_numpy(x) else x.amax(1)


@plant("one word, two meanings", sk.same_world, largest_mended)
def largest(x: Float32[sk.Array, "n 3"]) -> Float32[sk.Array, "n"]:
    return x.max(1)  # an array in NumPy, a pair of values and indices in PyTorch


# --- gradients, and views that are not what is stored


def exported_mended(x: Float32[T, "n"]) -> Float32[A, "n"]:
    return sk.to_numpy(x, detach=True)


@plant("requires grad", sk.boundary, exported_mended)
def exported(x: Float32[T, "n"]) -> Float32[A, "n"]:
    return x.numpy()


def spectrum_mended(x: Complex64[T, "n"]) -> Complex64[A, "n"]:
    return x.numpy(force=True)


@plant("a conjugate view", sk.boundary, spectrum_mended)
def spectrum(x: Complex64[T, "n"]) -> Complex64[A, "n"]:
    return x.detach().numpy()


def smoothed_mended(x: Float32[T, "n"]) -> Float32[T, "n"]:
    return x.detach().clone().mul_(0.5)


@plant("requires grad", sk.torch_world, smoothed_mended)
def smoothed(x: Float32[T, "n"]) -> Float32[T, "n"]:
    y = x[:]
    y.mul_(0.5)
    return y


def energy_mended(x: Float32[T, "n"]) -> Float32[T, "n"]:
    return x.exp()


@plant("a crossing", sk.torch_world, energy_mended)
def energy(x: Float32[T, "n"]) -> Float32[T, "n"]:
    return torch.from_numpy(np.exp(x.detach().resolve_neg().numpy()))
