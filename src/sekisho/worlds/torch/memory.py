"""Memory that an array and a tensor share, or why they cannot.

Two ways: a look at all that may stand in the way, and the quick one, which shares the plainest values and
leaves all others to who looks longer.
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
    """The array under a dtype that `from_numpy` reads, and the torch dtype to view it as."""
    dtype = array.dtype
    if dtype in PLAIN_DTYPES:
        # ulonglong equals uint64 and hashes like it, yet from_numpy refuses it.
        return (array.view(np.uint64) if dtype.char == "Q" else array), None
    if not dtype.isnative and dtype.newbyteorder("=") in PLAIN_DTYPES:
        return array, None
    view_as = _torch_dtype(dtype, torch)
    if view_as is not None:
        return array.view(f"u{dtype.itemsize}"), view_as
    return refuse_dtype(dtype, "torch")


def why_not_shared(array: np.ndarray[Any, Any]) -> str | None:
    """Why a tensor cannot share an array's memory; None if it can."""
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
    """The same memory, its strides plain where no element depends on them.

    The stride of an axis of length 1 is never used, so it may be anything, and `from_numpy`
    refuses it all the same: ``np.ones((1, 3))[::-1]`` has a negative one.
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
    """Whether `from_numpy` can express an array's strides."""
    itemsize = array.itemsize
    return all(stride >= 0 and stride % itemsize == 0 for stride in array.strides)


def is_aligned(array: np.ndarray[Any, Any]) -> bool:
    """Whether an array starts where torch's kernels may read it; its strides must be plain.

    To C++, torch's language, every item begins at a multiple of its size. NumPy calls complex128 aligned
    at multiples of 8, where torch 2.13 on x86-64 ends the process: its kernels move 16 bytes at once.
    """
    address: int = array.__array_interface__["data"][0]
    return address % array.itemsize == 0


def copied_tensor(array: np.ndarray[Any, Any], torch: Any) -> Any:
    """A tensor of an array's values, in memory of its own."""
    # A broadcast axis is copied once and expanded back: the copy is as small as the original. With
    # `...` what has no axes remains an array.
    index = tuple(
        slice(None, 1) if stride == 0 and size > 1 else slice(None)
        for stride, size in zip(array.strides, array.shape, strict=True)
    )
    native = array.dtype.newbyteorder("=")
    tensor: Any = torch.from_numpy(array[*index, ...].astype(native, order="K", copy=True))
    return tensor if array.shape == tuple(tensor.shape) else tensor.expand(array.shape)


def _torch_dtype(dtype: np.dtype[Any], torch: Any) -> Any:
    """The torch dtype of the same name as one of ml_dtypes' extension dtypes, or None."""
    name = dtype_name(dtype)
    return getattr(torch, name, None) if is_extension(name) else None


def is_extension(name: str) -> bool:
    """Whether ml_dtypes may give NumPy the dtype of torch's that is called so, bit by bit the same."""
    return name.startswith(("bfloat16", "float8")) or name == "complex32"


def may_overlap(tensor: torch.Tensor) -> bool:
    """Whether two elements may lie in the same memory: one write would change both."""
    reach = 0
    for stride, size in sorted(zip(tensor.stride(), tensor.shape, strict=True)):
        if size > 1:
            if stride <= reach:
                return True
            reach += stride * (size - 1)
    return False


class _Carried(NamedTuple):
    """How NumPy carries a dtype that only ml_dtypes gives it: its bits, and then that dtype."""

    bits: Any
    dtype: Any


def carried_as(tensor: torch.Tensor, torch: Any, *, imports: bool) -> _Carried | None:
    """How a tensor's values go through NumPy where NumPy itself has no dtype for them, or None.

    Args:
        tensor: what goes to the host.
        torch: the library.
        imports: whether ml_dtypes may be imported for it. Who converts to NumPy gets its dtypes only
            if the program uses them already: nobody else can do anything with such an array.
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


# --- the quick lane ----------------------------------------------------------------------------


@cache
def make_share_array(torch: Any, dtypes: frozenset[Any] | None) -> Callable[[Any], Any]:
    """Make the function that shares an array with torch, or returns None if a look is not enough."""
    # torch.from_numpy is looked up at each call: strict mode watches it there.
    shared = PLAIN_DTYPES if dtypes is None else PLAIN_DTYPES & dtypes
    # The flag of NumPy is enough for these; the others, complex ones, torch reads as one item.
    flagged = frozenset(dtype for dtype in shared if dtype.alignment == dtype.itemsize)
    unflagged = shared - flagged
    ndarray, compiler, tensor_type = np.ndarray, torch.compiler, torch.Tensor

    def share(array: Any) -> Any:
        if type(array) is not ndarray:
            return None
        if compiler._is_compiling_flag:  # noqa: SLF001 - what is_compiling() says to who is not traced
            return None
        if array.dtype not in flagged:
            return share_aligned(array) if array.dtype in unflagged else None
        flags = array.flags
        # carray: writeable, aligned, C-contiguous, which is what most arrays are.
        if not flags.carray and not (flags.behaved and strides_are_plain(array)):
            return None
        try:
            return torch.from_numpy(array)
        except (
            TypeError,
            ValueError,
        ):  # ulonglong, which equals uint64; a stride that is never used
            return None

    def share_aligned(array: Any) -> Any:
        flags = array.flags
        if not flags.carray and not (flags.behaved and strides_are_plain(array)):
            return None
        try:
            tensor = torch.from_numpy(array)
        except ValueError:  # a stride that is never used
            return None
        # A FakeTensor would warn of a look at its address; the tensor's costs a tenth of the array's.
        is_aligned = type(tensor) is tensor_type and tensor.data_ptr() % array.itemsize == 0
        return tensor if is_aligned else None

    return share


_WRITES_ZEROS: Final = (2, 10)
"""Before this release `numpy` shares the memory of a lazy zero tensor, which nobody has written."""


@cache
def make_share_tensor(  # noqa: C901 - one question after the other
    torch: Any, dtypes: frozenset[Any] | None, *, read_only: bool
) -> Callable[[Any], Any]:
    """Make the function that shares a tensor with NumPy, or returns None likewise."""
    tensor_type, forward_ad = torch.Tensor, torch.autograd.forward_ad
    inside = torch._C  # noqa: SLF001 - the questions of _convert._refuse_transforms
    transform, is_tracing = inside._functorch.peek_interpreter_stack, inside._is_tracing  # noqa: SLF001 - likewise
    modes = inside._len_torch_dispatch_stack  # noqa: SLF001 - likewise

    def share(tensor: Any) -> Any:  # noqa: PLR0911 - one question after the other
        if type(tensor) is not tensor_type or tensor.requires_grad:
            return None
        if transform() is not None or is_tracing() or modes():
            return None
        if forward_ad._current_level >= 0:  # noqa: SLF001 - unpack_dual costs 8 us
            return None
        try:
            array = tensor.numpy()
        except SekishoError:  # strict mode refuses it: the answer, and not one to ask for again
            raise
        except Exception:  # noqa: BLE001 - sparse, bfloat16, on a GPU, 65 axes, fakes about, ...
            return None
        if dtypes is not None and array.dtype not in dtypes:
            return None
        if not read_only and not tensor.is_contiguous():
            return None  # its elements may overlap
        if read_only:
            array.flags.writeable = False
        return array

    def share_written(tensor: Any) -> Any:
        return None if type(tensor) is tensor_type and tensor._is_zerotensor() else share(tensor)  # noqa: SLF001 - as above

    return share if release_of(torch) >= _WRITES_ZEROS else share_written
