"""One value to the other world, its values bit-equal, or a refusal that names the call that helps.

The rules behind every branch were measured; each is one row of the table in docs/crossings.md.
Never DLPack between an array and a tensor: it aborts the process on negative strides and hands
out uninitialised memory for tensor subclasses. Never an exception as control flow where a look
at a flag tells.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from sekisho.errors import with_article
from sekisho.worlds.refusals import (
    PLAIN_DTYPES,
    Refusal,
    refuse_dtype,
    refuse_kinds,
    refuse_transforms,
)
from sekisho.worlds.world import (
    NUMPY,
    TORCH,
    World,
    class_of,
    dtype_name,
    find_world,
    is_compiling,
    type_name,
)

if TYPE_CHECKING:
    import torch

__all__ = [
    "Converted",
    "Policy",
    "convert",
    "exports_memory",
]


class Policy(NamedTuple):
    """What a conversion may do.

    Attributes:
        copy: None copies if needed, True always, False never.
        device: where a tensor must end up; None is where it is, the host for an array.
        detach: whether a tensor that requires grad may be cut from its graph.
        read_only: whether an array that shares a tensor's memory is handed over read-only, since
            a write through it bypasses autograd's version counter.
    """

    copy: bool | None = None
    device: Any = None
    detach: bool = False
    read_only: bool = False


class Converted(NamedTuple):
    """A value in its new world, and why its memory was copied (None: it is shared)."""

    value: Any
    copied: str | None


def convert(value: Any, target: World, policy: Policy) -> Converted:
    """Convert an array, a tensor, or what exports its memory as one, to the `target` world.

    Raises:
        Refusal: if that would change a value, cut a graph, or copy against the policy, and for
            whatever a library, or the value itself, raises on the way.
        MemoryError: (and torch's own) as it is: who catches it tries again with less.
    """
    if is_compiling():
        return _convert(value, target, policy)
    try:
        return _convert(value, target, policy)
    except Refusal:
        raise
    except Exception as error:
        if _is_out_of_memory(error):
            raise
        raise Refusal(f"{type(error).__name__}: {str(error).partition(chr(10))[0]}") from None


def _is_out_of_memory(error: Exception) -> bool:
    return isinstance(error, MemoryError) or type(error).__name__ == "OutOfMemoryError"


def _convert(value: Any, target: World, policy: Policy) -> Converted:
    source = find_world(value)
    if source is None:
        value = _import_memory(value)
        source = NUMPY
    if target is NUMPY:
        return Converted(value, None) if source is NUMPY else _to_numpy(value, policy)
    return _move(value, policy) if source is TORCH else _to_torch(value, policy)


# --- NumPy to torch ---------------------------------------------------------------------------


def _to_torch(value: Any, policy: Policy) -> Converted:
    array, view_as = _readable_array(_plain_array(value))
    array = _with_plain_strides(array)
    reason = "copy=True" if policy.copy else _why_not_shared(array)
    if reason is None:
        tensor = _load_torch().from_numpy(array)
    else:
        _forbid_copy(policy, reason)
        tensor = _copied_tensor(array)
    if view_as is not None:
        tensor = tensor.view(view_as)
    moved = _move(tensor, policy._replace(copy=None if policy.copy else policy.copy))
    return Converted(moved.value, moved.copied or reason)


def _load_torch() -> Any:
    """Torch, imported if need be: only a conversion that the user asked for comes here."""
    try:
        return TORCH.load()
    except ImportError:
        raise Refusal("PyTorch is not installed", "install sekisho[torch]") from None


def _readable_array(array: np.ndarray[Any, Any]) -> tuple[np.ndarray[Any, Any], Any]:
    """The array under a dtype that `from_numpy` reads, and the torch dtype to view it as."""
    dtype = array.dtype
    if dtype in PLAIN_DTYPES:
        # ulonglong equals uint64 and hashes like it, yet from_numpy refuses it.
        return (array.view(np.uint64) if dtype.char == "Q" else array), None
    if not dtype.isnative and dtype.newbyteorder("=") in PLAIN_DTYPES:
        return array, None
    view_as = _torch_dtype(dtype)
    if view_as is not None:
        return array.view(f"u{dtype.itemsize}"), view_as
    return refuse_dtype(dtype)


def _plain_array(value: Any) -> np.ndarray[Any, Any]:
    """The value as a bare ndarray of the same memory, if no meaning is lost with the subclass."""
    kind = class_of(value)
    if kind is np.ndarray:
        array: np.ndarray[Any, Any] = value
        return array
    if issubclass(kind, np.generic):
        return np.asarray(value)
    if issubclass(kind, np.ma.MaskedArray):
        if np.ma.is_masked(value):
            raise Refusal(
                "it masks some of its elements, and a tensor cannot",
                "fill them first, as in {0}.filled(...), or pass {0}.data and ~{0}.mask",
            )
        return np.asarray(value.data)
    if kind in {np.memmap, np.recarray}:
        return np.asarray(value)
    raise Refusal(
        f"it is {with_article(type_name(kind))}, whose meaning a tensor cannot keep",
        "numpy.asarray({0})",
    )


def _why_not_shared(array: np.ndarray[Any, Any]) -> str | None:
    if not array.dtype.isnative:
        return "its byte order is not this machine's"
    if not array.flags.writeable:
        return "it is read-only"
    if strides_are_plain(array):
        return None
    if any(stride < 0 for stride in array.strides):
        return "it has a negative stride"
    return "its strides are no multiples of its item size"


def _with_plain_strides(array: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
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


def _copied_tensor(array: np.ndarray[Any, Any]) -> torch.Tensor:
    # A broadcast axis is copied once and expanded back: the copy is as small as the original.
    index = tuple(
        slice(None, 1) if stride == 0 and size > 1 else slice(None)
        for stride, size in zip(array.strides, array.shape, strict=True)
    )
    native = array.dtype.newbyteorder("=")
    tensor: torch.Tensor = TORCH.module().from_numpy(
        array[index].astype(native, order="K", copy=True)
    )
    expanded: torch.Tensor = tensor.expand(array.shape)
    return expanded if array.shape != tuple(tensor.shape) else tensor


def _torch_dtype(dtype: np.dtype[Any]) -> Any:
    """The torch dtype of the same name as one of ml_dtypes' extension dtypes, or None."""
    name = dtype_name(dtype)
    known = name.startswith(("bfloat16", "float8"))
    return getattr(_load_torch(), name, None) if known else None


def _move(tensor: torch.Tensor, policy: Policy) -> Converted:
    """A tensor to the device asked for; a copy only if it is elsewhere, or always if asked for."""
    if policy.device is None or same_device(tensor.device, policy.device):
        return Converted(tensor.clone(), "copy=True") if policy.copy else Converted(tensor, None)
    _refuse_meta(policy.device)
    reason = f"it moved from {tensor.device} to {policy.device}"
    _forbid_copy(policy, reason)
    try:
        moved = tensor.to(policy.device)
    except (AssertionError, NotImplementedError, RuntimeError) as error:
        if _is_out_of_memory(error):
            raise
        why = str(error).partition("\n")[0]
        raise Refusal(f"this machine cannot move it to {policy.device}: {why}") from None
    return Converted(moved, reason)


def _refuse_meta(device: Any) -> None:
    if device.type == "meta":
        raise Refusal("a tensor on device 'meta' holds no values: all of these would be lost")


def same_device(device: Any, wanted: Any) -> bool:
    """Whether `device` is the one wanted; ``cuda`` without an index wants any of them."""
    return device == wanted or (wanted.index is None and device.type == wanted.type)


# --- torch to NumPy ---------------------------------------------------------------------------


def _to_numpy(tensor: torch.Tensor, policy: Policy) -> Converted:
    torch = TORCH.module()
    refuse_transforms(tensor, torch)
    refuse_kinds(tensor, torch)
    if tensor.requires_grad:
        if not policy.detach:
            raise Refusal(
                "it requires grad, and an array would cut it from its graph",
                "{0}.detach(), or the option detach=True",
            )
        tensor = tensor.detach()
    reason = "copy=True" if policy.copy else None
    if tensor.device.type != "cpu":
        reason = f"it moved from {tensor.device} to the host"
    elif tensor.is_conj() or tensor.is_neg() or tensor._is_zerotensor():  # noqa: SLF001
        reason = "it is a lazy conjugate, negative or zero"
    if reason is not None:
        _forbid_copy(policy, reason)
        if tensor._is_zerotensor():  # noqa: SLF001 - never asked for memory: torch 2.4 hands out any
            zeros = TORCH.module().zeros_like(tensor, device="cpu").numpy()
            return Converted(zeros, reason)
        array = tensor.numpy(force=True)
        # On the host, force=True copies only what is lazy.
        return Converted(array.copy() if reason == "copy=True" else array, reason)
    array = tensor.numpy()
    if policy.read_only or _may_overlap(tensor):
        array.flags.writeable = False
    return Converted(array, None)


def _may_overlap(tensor: torch.Tensor) -> bool:
    """Whether two elements may lie in the same memory: one write would change both."""
    reach = 0
    for stride, size in sorted(zip(tensor.stride(), tensor.shape, strict=True)):
        if size > 1:
            if stride <= reach:
                return True
            reach += stride * (size - 1)
    return False


# --- neither ----------------------------------------------------------------------------------


def exports_memory(value: object) -> bool:
    """Whether a value of no world offers its memory as an array: a PIL image, a JAX array."""
    kind = class_of(value)
    return hasattr(kind, "__array_interface__") or hasattr(kind, "__dlpack__")


def _import_memory(value: Any) -> np.ndarray[Any, Any]:
    if hasattr(class_of(value), "__array_interface__"):
        return np.asarray(value)
    try:
        return np.from_dlpack(value)
    except (BufferError, RuntimeError, TypeError, ValueError) as error:
        raise Refusal(f"its memory cannot be read as an array: {error}") from None


def _forbid_copy(policy: Policy, reason: str) -> None:
    if policy.copy is False:
        raise Refusal(f"copy=False, but {reason} and has to be copied", "copy=None")
