"""One value to the other world, its values bit-equal, or a refusal that names the call that helps.

The rules behind every branch were measured; each is one row of the table in docs/crossings.md.
Never DLPack between an array and a tensor: it aborts the process on negative strides and hands
out uninitialised memory for tensor subclasses. Never an exception as control flow where a look
at a flag tells.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any, Final, NamedTuple, NoReturn

import numpy as np

from sekisho.errors import with_article
from sekisho.worlds import (
    NUMPY,
    TORCH,
    World,
    class_of,
    dtype_name,
    find_world,
    type_name,
)

if TYPE_CHECKING:
    import torch

__all__ = [
    "Converted",
    "Policy",
    "Refusal",
    "convert",
    "exports_memory",
    "how_to_make",
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


class Refusal(Exception):  # noqa: N818 - caught and worded by the caller; never seen by a user
    """Why a value does not cross: its arguments are the reason, and the call that mends it or None.

    It defines no ``__init__``, as none of the errors does: a compiler of torch could not trace it.
    """

    @property
    def reason(self) -> str:
        """What stands in the way."""
        return str(self.args[0])

    @property
    def hint(self) -> str | None:
        """The call that makes it cross, ``{}`` being the value."""
        return self.args[1] if len(self.args) > 1 else None


def convert(value: Any, target: World, policy: Policy) -> Converted:
    """Convert an array, a tensor, or what exports its memory as one, to the `target` world.

    Raises:
        Refusal: if that would change a value, cut a graph, or copy against the policy.
    """
    source = find_world(value)
    if source is None:
        value = _import_memory(value)
        source = NUMPY
    if target is NUMPY:
        return Converted(value, None) if source is NUMPY else _to_numpy(value, policy)
    return _move(value, policy) if source is TORCH else _to_torch(value, policy)


# --- NumPy to torch ---------------------------------------------------------------------------

_PLAIN: Final = frozenset(
    np.dtype(name)
    for name in (
        *("bool", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64"),
        *("float16", "float32", "float64", "complex64", "complex128"),
    )
)
_NO_TENSOR_DTYPE: Final = {
    "O": ("holds Python objects", "{}.astype('float64'), if they are numbers"),
    "U": ("holds text", "turn the text into numbers, such as class indices"),
    "S": ("holds bytes", "numpy.frombuffer(data, dtype='uint8') reads bytes as numbers"),
    "T": ("holds text", "turn the text into numbers, such as class indices"),
    "M": ("holds dates", "{}.astype('int64') counts their units"),
    "m": ("holds time spans", "{}.astype('int64') counts their units"),
    "V": ("is structured", "one field at a time: {}['name']"),
    "g": ("is longdouble, which torch lacks", "{}.astype('float64') rounds"),
    "G": ("is clongdouble, which torch lacks", "{}.astype('complex128') rounds"),
}


def _to_torch(value: Any, policy: Policy) -> Converted:
    array, view_as = _readable_array(_plain_array(value))
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
    if dtype in _PLAIN:
        # ulonglong equals uint64 and hashes like it, yet from_numpy refuses it.
        return (array.view(np.uint64) if dtype.char == "Q" else array), None
    if not dtype.isnative and dtype.newbyteorder("=") in _PLAIN:
        return array, None
    view_as = _torch_dtype(dtype)
    if view_as is not None:
        return array.view(f"u{dtype.itemsize}"), view_as
    what, hint = _NO_TENSOR_DTYPE.get(dtype.char, (f"is {dtype}, which torch lacks", None))
    raise Refusal(f"it {what}", hint)


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
                "{0}.filled(value), or the pair ({0}.data, ~{0}.mask)",
            )
        return np.asarray(value.data)
    if kind in {np.memmap, np.recarray}:
        return np.asarray(value)
    raise Refusal(
        f"it is {with_article(type_name(kind))}, whose meaning a tensor cannot keep",
        "numpy.asarray({})",
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


def strides_are_plain(array: np.ndarray[Any, Any]) -> bool:
    """Whether `from_numpy` can express an array's strides."""
    itemsize = array.itemsize
    return all(stride >= 0 and stride % itemsize == 0 for stride in array.strides)


def plain_dtypes() -> frozenset[np.dtype[Any]]:
    """The dtypes that both libraries have."""
    return _PLAIN


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
    reason = f"it moved from {tensor.device} to {policy.device}"
    _forbid_copy(policy, reason)
    return Converted(tensor.to(policy.device), reason)


def same_device(device: Any, wanted: Any) -> bool:
    """Whether `device` is the one wanted; ``cuda`` without an index wants any of them."""
    return device == wanted or (wanted.index is None and device.type == wanted.type)


# --- torch to NumPy ---------------------------------------------------------------------------


def _to_numpy(tensor: torch.Tensor, policy: Policy) -> Converted:
    torch = TORCH.module()
    _refuse_transforms(tensor, torch)
    _refuse_kinds(tensor, torch)
    if tensor.requires_grad:
        if not policy.detach:
            raise Refusal(
                "it requires grad, and an array would cut it from its graph",
                "{}.detach(), or the option detach=True",
            )
        tensor = tensor.detach()
    reason = "copy=True" if policy.copy else None
    if tensor.device.type != "cpu":
        reason = f"it moved from {tensor.device} to the host"
    elif tensor.is_conj() or tensor.is_neg() or tensor._is_zerotensor():  # noqa: SLF001
        reason = "it is a lazy conjugate, negative or zero"
    if reason is not None:
        _forbid_copy(policy, reason)
        array = tensor.numpy(force=True)
        # On the host, force=True copies only what is lazy.
        return Converted(array.copy() if reason == "copy=True" else array, reason)
    array = tensor.numpy()
    if policy.read_only or _may_overlap(tensor):
        array.flags.writeable = False
    return Converted(array, None)


def _refuse_transforms(tensor: torch.Tensor, torch: Any) -> None:
    if torch.compiler.is_compiling():
        _refuse_trace()
    if torch._C._functorch.peek_interpreter_stack() is not None:  # noqa: SLF001
        raise Refusal("this runs inside a torch.func transform", "convert outside of the transform")
    if torch._C._get_tracing_state() is not None:  # noqa: SLF001
        _refuse_trace()
    if torch._C._len_torch_dispatch_stack():  # noqa: SLF001
        from torch.fx.experimental.proxy_tensor import get_proxy_mode  # noqa: PLC0415

        if get_proxy_mode() is not None:
            _refuse_trace()
    forward_ad = torch.autograd.forward_ad
    if forward_ad._current_level >= 0 and forward_ad.unpack_dual(tensor).tangent is not None:  # noqa: SLF001
        raise Refusal(
            "it is a forward-mode dual, and an array would drop its tangent",
            "torch.autograd.forward_ad.unpack_dual({}).primal",
        )


def _refuse_trace() -> NoReturn:
    raise Refusal(
        "this is being traced, and the array would be frozen into the trace",
        "convert outside of the traced function",
    )


_SUBCLASS_CALLS: Final = {
    "DTensor": "{}.full_tensor()",
    "MaskedTensor": "{}.to_tensor(value)",
    "NestedTensor": "{}.unbind()",
}


def _refuse_kinds(tensor: torch.Tensor, torch: Any) -> None:
    kind = type(tensor)
    name = kind.__name__
    if name in {"FakeTensor", "FunctionalTensor"} or tensor.device.type == "meta":
        raise Refusal("it holds no data", "torch.empty_like({}, device='cpu')")
    if name in {"UninitializedParameter", "UninitializedBuffer"}:
        raise Refusal("it is not initialised yet", "run the module once first")
    if kind is not torch.Tensor and kind is not torch.nn.Parameter:
        raise Refusal(
            f"it is {with_article(name)}, whose meaning an array cannot keep",
            _SUBCLASS_CALLS.get(name, "{}.as_subclass(torch.Tensor)"),
        )
    if tensor.is_nested:
        raise Refusal("it is nested", "{}.unbind()")
    if tensor.layout is not torch.strided:
        layout = str(tensor.layout).rpartition(".")[2].strip("_")
        raise Refusal(f"its layout is {layout}", "{}.to_dense()")
    if tensor.is_quantized:
        raise Refusal("it is quantized", "{}.dequantize()")
    if tensor.ndim > _MAX_NDIM:
        raise Refusal(
            f"it has {tensor.ndim} axes, and an array at most {_MAX_NDIM}", "{}.flatten()"
        )
    if tensor.dtype not in _numpy_dtypes():
        dtype = dtype_name(tensor.dtype)
        exact = {"complex32": "{}.to(torch.complex64)"}
        floating = tensor.dtype.is_floating_point
        raise Refusal(
            f"NumPy has no dtype {dtype}",
            exact.get(dtype, "{}.float()" if floating else "{}.to(torch.uint8)"),
        )


_MAX_NDIM: Final = 64


@cache
def _numpy_dtypes() -> frozenset[torch.dtype]:
    """The torch dtypes that NumPy has too."""
    names = {dtype_name(dtype) for dtype in _PLAIN}
    return frozenset(dtype for dtype, name in TORCH.dtypes().items() if name in names)


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


def how_to_make(value: object, target: World) -> str | None:
    """The call that makes a value of the `target` world, for a value that belongs to none."""
    kind = class_of(value)
    if issubclass(kind, (bool, int, float, complex, list, tuple, range, np.generic)):
        return "numpy.asarray({})" if target is NUMPY else "torch.tensor({})"
    if issubclass(kind, (bytes, bytearray, memoryview)) or kind.__name__ == "array":
        make = "numpy.frombuffer({}, dtype=...)"
        return make if target is NUMPY else f"torch.from_numpy({make}.copy())"
    if hasattr(kind, "to_numpy"):
        return "{}.to_numpy()" if target is NUMPY else "torch.tensor({}.to_numpy())"
    if hasattr(kind, "__array__") or hasattr(kind, "__array_interface__"):
        return "numpy.asarray({})" if target is NUMPY else "torch.tensor(numpy.asarray({}))"
    if hasattr(kind, "__dlpack__"):
        return "numpy.from_dlpack({})" if target is NUMPY else "torch.from_dlpack({})"
    return None


def _forbid_copy(policy: Policy, reason: str) -> None:
    if policy.copy is False:
        raise Refusal(f"copy=False, but {reason} and has to be copied", "copy=None")
