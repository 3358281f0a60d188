"""Tensors that cannot be converted to an array without loss.

The rule behind every branch was measured; each is a row of the table in docs/crossings.md.
"""

from __future__ import annotations

import sys
from functools import cache
from typing import TYPE_CHECKING, Any, Final, NoReturn

from sekisho.errors import first_line, with_article
from sekisho.worlds.dtypes import PLAIN_DTYPES, dtype_name
from sekisho.worlds.policy import Refusal
from sekisho.worlds.torch import _private
from sekisho.worlds.torch.memory import is_extension

if TYPE_CHECKING:
    import torch

__all__ = [
    "why_no_device",
    "numpy_names",
    "refuse_kinds",
    "refuse_meta",
    "refuse_transforms",
]


def refuse_transforms(tensor: torch.Tensor, torch: Any) -> None:
    """Refuse a tensor if a transform or trace is active that would record its values wrongly."""
    # First, because a compiler cannot trace the functions below.
    if torch.compiler.is_compiling():
        refuse_trace()
    asked = _private.asked_of(torch)
    if asked.transform() is not None:
        raise Refusal("this runs inside a torch.func transform", "convert outside of the transform")
    if _private.is_in_trace(torch):
        refuse_trace()
    # Only ask which mode is active if there is one, because these questions are slower.
    if asked.modes():
        if _private.has_proxy_mode():
            refuse_trace()
        if _private.has_fake_mode(torch):
            raise Refusal(
                "FakeTensorMode is on, in which no tensor has values", "convert outside of it"
            )
    if _private.has_tangent(tensor, torch):
        raise Refusal(
            "it is a forward-mode dual, and an array would drop its tangent",
            "torch.autograd.forward_ad.unpack_dual({0}).primal",
        )


def refuse_trace() -> NoReturn:
    """Refuse a conversion that a trace would record as a constant."""
    raise Refusal(
        "this is being traced, and the array would be frozen into the trace",
        "convert outside of the traced function",
    )


_ONE_BY_ONE: Final = "take its tensors one by one, as in {0}.unbind()[...]"
_SUBCLASS_CALLS: Final = {
    "DTensor": "{0}.full_tensor()",
    "MaskedTensor": "fill it first, as in {0}.to_tensor(...)",
    "NestedTensor": _ONE_BY_ONE,
}


def refuse_kinds(tensor: torch.Tensor, torch: Any, *, has_dtype: bool) -> None:
    """Refuse a kind of tensor that has no equivalent array."""
    kind = type(tensor)
    name = kind.__name__
    # By name, because the classes are in private modules of torch.
    if name in {"FakeTensor", "FunctionalTensor"} or tensor.device.type == "meta":
        raise Refusal("it holds no values")
    if name in {"UninitializedParameter", "UninitializedBuffer"}:
        raise Refusal("it is not initialised yet", "run the module once first")
    if kind is not torch.Tensor and kind is not torch.nn.Parameter:
        raise Refusal(
            f"it is {with_article(name)}, whose meaning an array cannot keep",
            _SUBCLASS_CALLS.get(name, "{0}.as_subclass(torch.Tensor)"),
        )
    if tensor.is_nested:
        raise Refusal("it is nested", _ONE_BY_ONE)
    if tensor.layout is not torch.strided:
        layout = str(tensor.layout).rpartition(".")[2].strip("_")
        raise Refusal(f"its layout is {layout}", "{0}.to_dense()")
    if tensor.is_quantized:
        raise Refusal("it is quantized", "{0}.dequantize()")
    if tensor.ndim > _MAX_NDIM:
        raise Refusal(
            f"it has {tensor.ndim} axes, and an array at most {_MAX_NDIM}", "{0}.flatten()"
        )
    if not has_dtype:
        dtype = dtype_name(tensor.dtype)
        exact = {"complex32": "{0}.to(torch.complex64)"}
        # The conversion would work if the program had imported ml_dtypes.
        is_missing = is_extension(dtype) and sys.modules.get("ml_dtypes") is None
        unless = " unless ml_dtypes is imported" if is_missing else ""
        floating = tensor.dtype.is_floating_point
        raise Refusal(
            f"NumPy has no dtype {dtype}{unless}",
            exact.get(dtype, "{0}.float()" if floating else "{0}.to(torch.uint8)"),
        )


_MAX_NDIM: Final = 64


@cache
def numpy_names() -> frozenset[str]:
    """Return the names of the dtypes that NumPy has, too."""
    return frozenset(map(dtype_name, PLAIN_DTYPES))


def refuse_meta(device: Any) -> None:
    """Refuse to move a tensor to a device where it would lose its values."""
    if device.type == "meta":
        raise Refusal("a tensor on device 'meta' holds no values: all of these would be lost")


def why_no_device(device: object, error: Exception) -> str:
    """Return why torch does not know a device, without torch's long list of device types."""
    text, kind = first_line(error), str(device).partition(":")[0]
    if "device type at start of device string" not in text:
        return text
    gpus = "; a GPU is 'cuda', 'mps' or 'xpu'" if kind.lower() in {"gpu", "nvidia", "amd"} else ""
    return f"PyTorch has no device {kind!r}{gpus}"
