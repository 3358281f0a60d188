"""The plainest crossings: memory that is shared after a look, or left to who looks longer."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np

from sekisho.worlds.conversion import strides_are_plain
from sekisho.worlds.refusals import PLAIN_DTYPES
from sekisho.worlds.world import TORCH

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["make_share_array", "make_share_tensor"]


@cache
def make_share_array() -> Callable[[Any], Any]:
    """Make the function that shares an array with torch, or returns None if a look is not enough."""
    # torch.from_numpy is looked up at each call: strict mode watches it there.
    torch, plain, ndarray = TORCH.load(), PLAIN_DTYPES, np.ndarray

    def share(array: Any) -> Any:
        if type(array) is not ndarray or array.dtype not in plain:
            return None
        flags = array.flags
        # carray: writeable, aligned, C-contiguous, which is what most arrays are.
        if not flags.carray and not (flags.writeable and strides_are_plain(array)):
            return None
        try:
            return torch.from_numpy(array)
        except (
            TypeError,
            ValueError,
        ):  # ulonglong, which equals uint64; a stride that is never used
            return None

    return share


@cache
def make_share_tensor(*, read_only: bool) -> Callable[[Any], Any]:
    """Make the function that shares a tensor with NumPy, or returns None likewise."""
    torch = TORCH.load()
    tensor_type, forward_ad = torch.Tensor, torch.autograd.forward_ad
    inside = torch._C  # noqa: SLF001 - the questions of _convert._refuse_transforms
    transform, is_tracing = inside._functorch.peek_interpreter_stack, inside._is_tracing  # noqa: SLF001 - likewise
    modes = inside._len_torch_dispatch_stack  # noqa: SLF001 - likewise

    def share(tensor: Any) -> Any:
        if type(tensor) is not tensor_type or tensor.requires_grad:
            return None
        if transform() is not None or is_tracing() or modes():
            return None
        if forward_ad._current_level >= 0:  # noqa: SLF001 - unpack_dual costs 8 us
            return None
        try:
            array = tensor.numpy()
        except Exception:  # noqa: BLE001 - sparse, bfloat16, on a GPU, 65 axes, fakes about, ...
            return None
        if not read_only and not tensor.is_contiguous():
            return None  # its elements may overlap
        if read_only:
            array.flags.writeable = False
        return array

    return share
