"""Memory that an array and a tensor share, or the reasons why they cannot.

There are two implementations: a complete check, and a fast path that shares the simplest values and
leaves all others to the complete check.
"""

from __future__ import annotations

import contextlib
import importlib
import sys
from functools import cache
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import numpy as np

from sekisho.errors import SekishoError
from sekisho.worlds.dtypes import PLAIN_DTYPES, dtype_name, refuse_dtype
from sekisho.worlds.release import release_of
from sekisho.worlds.torch import _private

if TYPE_CHECKING:
    from collections.abc import Callable

    import torch

__all__ = [
    "carried_as",
    "copied_tensor",
    "is_extension",
    "make_share_array",
    "make_share_tensor",
    "may_overlap",
    "readable_array",
    "why_not_shared",
    "with_plain_strides",
]


def readable_array(array: np.ndarray[Any, Any], torch: Any) -> tuple[np.ndarray[Any, Any], Any]:
    """Return the array under a dtype that `from_numpy` reads, and the torch dtype to view it as."""
    dtype = array.dtype
    if dtype in PLAIN_DTYPES:
        # ulonglong equals uint64 and has the same hash, but from_numpy refuses it.
        return (array.view(np.uint64) if dtype.char == "Q" else array), None
    if not dtype.isnative and dtype.newbyteorder("=") in PLAIN_DTYPES:
        return array, None
    view_as = _torch_dtype(dtype, torch)
    if view_as is not None:
        return array.view(f"u{dtype.itemsize}"), view_as
    return refuse_dtype(dtype, "torch")


def why_not_shared(array: np.ndarray[Any, Any]) -> str | None:
    """Return why a tensor cannot share an array's memory; None if it can."""
    if not array.dtype.isnative:
        return "its byte order is not this machine's"
    if not array.flags.writeable:
        return "it is read-only"
    if any(stride < 0 for stride in array.strides):
        return "it has a negative stride"
    if not strides_are_plain(array):
        return "its strides are no multiples of its item size"
    return None if is_aligned(array) else "its address is no multiple of its item size"


def with_plain_strides(array: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """Return the same memory with plain strides, where no element depends on the difference.

    The stride of an axis of length 1 is never used and may have any value, but `from_numpy` checks
    it anyway: ``np.ones((1, 3))[::-1]`` has a negative one.
    """
    if strides_are_plain(array) or not array.size:
        return array
    strides = tuple(
        stride if size > 1 else array.itemsize
        for stride, size in zip(array.strides, array.shape, strict=True)
    )
    if strides == array.strides:
        return array
    view: np.ndarray[Any, Any] = np.lib.stride_tricks.as_strided(
        array, strides=strides, writeable=array.flags.writeable
    )
    return view


def strides_are_plain(array: np.ndarray[Any, Any]) -> bool:
    """Return whether `from_numpy` supports an array's strides."""
    itemsize = array.itemsize
    return all(stride >= 0 and stride % itemsize == 0 for stride in array.strides)


def is_aligned(array: np.ndarray[Any, Any]) -> bool:
    """Return whether torch may read an array at its address; its strides must be plain.

    In C++, every item starts at a multiple of its size. NumPy accepts complex128 at multiples of 8
    as aligned, where torch 2.13 on x86-64 crashes: its kernels move 16 bytes at once.
    """
    address: int = array.__array_interface__["data"][0]
    return address % array.itemsize == 0


def copied_tensor(array: np.ndarray[Any, Any], torch: Any) -> Any:
    """Return a tensor with an array's values in its own memory."""
    # Copy a broadcast axis once and expand it again: the copy is then as small as the original. The
    # `...` keeps an array without axes an array.
    index = tuple(
        slice(None, 1) if stride == 0 and size > 1 else slice(None)
        for stride, size in zip(array.strides, array.shape, strict=True)
    )
    native = array.dtype.newbyteorder("=")
    tensor: Any = torch.from_numpy(array[*index, ...].astype(native, order="K", copy=True))
    return tensor if array.shape == tuple(tensor.shape) else tensor.expand(array.shape)


def _torch_dtype(dtype: np.dtype[Any], torch: Any) -> Any:
    """Return the torch dtype with the same name as a dtype of ml_dtypes, or None."""
    name = dtype_name(dtype)
    return getattr(torch, name, None) if is_extension(name) else None


def is_extension(name: str) -> bool:
    """Return whether ml_dtypes may provide the NumPy dtype for a torch dtype, bit for bit."""
    return name.startswith(("bfloat16", "float8")) or name == "complex32"


def may_overlap(tensor: torch.Tensor) -> bool:
    """Return whether two elements may share memory, so that one write would change both."""
    reach = 0
    for stride, size in sorted(zip(tensor.stride(), tensor.shape, strict=True)):
        if size > 1:
            if stride <= reach:
                return True
            reach += stride * (size - 1)
    return False


class _Carried(NamedTuple):
    """The dtype to view a tensor as for NumPy, and the dtype of ml_dtypes for the result."""

    bits: Any
    dtype: Any


def carried_as(tensor: torch.Tensor, torch: Any, *, imports: bool) -> _Carried | None:
    """Return how to convert a tensor whose dtype NumPy only has with ml_dtypes, or None.

    Args:
        tensor: the tensor to convert.
        torch: the library.
        imports: whether ml_dtypes may be imported. A conversion to NumPy uses its dtypes only if
            the program has imported it: otherwise the program could not work with such an array.
    """
    name = dtype_name(tensor.dtype)
    if not is_extension(name):
        return None
    if imports:
        with contextlib.suppress(ImportError):
            importlib.import_module("ml_dtypes")
    dtype = getattr(sys.modules.get("ml_dtypes"), name, None)
    bits = {1: torch.uint8, 2: torch.uint16, 4: torch.uint32}[tensor.dtype.itemsize]
    return None if dtype is None else _Carried(bits, dtype)


# --- the fast path -----------------------------------------------------------------------------


@cache
def make_share_array(torch: Any, dtypes: frozenset[Any] | None) -> Callable[[Any], Any]:
    """Make the fast path to torch: a function that shares an array, or returns None if unsure."""
    # `share` looks up torch.from_numpy at each call, because strict mode wraps it there.
    shared = PLAIN_DTYPES if dtypes is None else PLAIN_DTYPES & dtypes
    # For these dtypes NumPy's alignment flag suffices. torch needs complex items aligned more
    # strictly.
    flagged = frozenset(dtype for dtype in shared if dtype.alignment == dtype.itemsize)
    unflagged = shared - flagged
    ndarray, tensor_type, compiler = np.ndarray, torch.Tensor, _private.compiler_flag(torch)

    def share(array: Any) -> Any:
        if type(array) is not ndarray:
            return None
        if compiler._is_compiling_flag:  # noqa: SLF001 - see _private
            return None
        if array.dtype not in flagged:
            return share_aligned(array) if array.dtype in unflagged else None
        flags = array.flags
        # carray means writeable, aligned and C-contiguous, as most arrays are.
        if not flags.carray and not (flags.behaved and strides_are_plain(array)):
            return None
        try:
            return torch.from_numpy(array)
        except (
            TypeError,
            ValueError,
        ):  # ulonglong, which equals uint64; an unusual stride of an axis of length 1
            return None

    def share_aligned(array: Any) -> Any:
        flags = array.flags
        if not flags.carray and not (flags.behaved and strides_are_plain(array)):
            return None
        try:
            tensor = torch.from_numpy(array)
        except ValueError:  # an unusual stride of an axis of length 1
            return None
        # A FakeTensor would warn if its address were read. Reading a tensor's address takes a tenth
        # of the time of reading an array's.
        is_aligned = type(tensor) is tensor_type and tensor.data_ptr() % array.itemsize == 0
        return tensor if is_aligned else None

    return share


_WRITES_ZEROS: Final = (2, 10)
"""Before this release, `numpy` exposes the unwritten memory of a lazy zero tensor."""


@cache
def make_share_tensor(  # noqa: C901 - one branch per check
    torch: Any, dtypes: frozenset[Any] | None, *, read_only: bool
) -> Callable[[Any], Any]:
    """Make the fast path to NumPy: a function that shares a tensor, or returns None if unsure."""
    tensor_type, forward_ad = torch.Tensor, _private.forward_level(torch)
    transform, is_tracing, modes, _ = _private.asked_of(torch)

    def share(tensor: Any) -> Any:  # noqa: PLR0911 - one return per check
        if type(tensor) is not tensor_type or tensor.requires_grad:
            return None
        if transform() is not None or is_tracing() or modes():
            return None
        if forward_ad._current_level >= 0:  # noqa: SLF001 - see _private
            return None
        try:
            array = tensor.numpy()
        except SekishoError:  # strict mode refuses the call; the slow path must not repeat it
            raise
        except Exception:  # noqa: BLE001 - sparse, bfloat16, on a GPU, 65 axes, fake tensors, ...
            return None
        if dtypes is not None and array.dtype not in dtypes:
            return None
        if not read_only and not tensor.is_contiguous():
            return None  # its elements may overlap
        if read_only:
            array.flags.writeable = False
        return array

    def share_written(tensor: Any) -> Any:
        return None if type(tensor) is tensor_type and _private.is_zero(tensor) else share(tensor)

    return share if release_of(torch) >= _WRITES_ZEROS else share_written
