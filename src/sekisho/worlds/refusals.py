"""What has no lossless form in the other world, and the call that helps.

The rules behind every branch were measured; each is one row of the table in docs/crossings.md.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any, Final, NoReturn

import numpy as np

from sekisho.errors import with_article
from sekisho.worlds.world import TORCH, dtype_name

if TYPE_CHECKING:
    import torch

__all__ = ["PLAIN_DTYPES", "Refusal", "refuse_dtype", "refuse_kinds", "refuse_transforms"]

PLAIN_DTYPES: Final = frozenset(
    np.dtype(name)
    for name in (
        *("bool", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64"),
        *("float16", "float32", "float64", "complex64", "complex128"),
    )
)
"""The dtypes that both libraries have."""


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


# --- NumPy to torch ---------------------------------------------------------------------------

_TEXT: Final = "turn the text into numbers, such as class indices"
_NO_TENSOR_DTYPE: Final = {
    "O": ("holds Python objects", "{0}.astype('float64')"),
    "U": ("holds text", _TEXT),
    "S": ("holds bytes", "read the bytes as numbers, with numpy.frombuffer"),
    "T": ("holds text", _TEXT),
    "M": ("holds dates", "{0}.astype('int64'), which counts their units"),
    "m": ("holds time spans", "{0}.astype('int64'), which counts their units"),
    "g": ("is longdouble, which torch lacks", "{0}.astype('float64')"),
    "G": ("is clongdouble, which torch lacks", "{0}.astype('complex128')"),
}


def refuse_dtype(dtype: np.dtype[Any]) -> NoReturn:
    """Refuse a dtype that torch lacks.

    Raises:
        Refusal: naming what can be made of it.
    """
    if dtype.kind == "V" and dtype.names:
        raise Refusal("it is structured", f"one field at a time: {{0}}[{dtype.names[0]!r}]")
    if dtype.kind == "V" and dtype.char == "V":
        raise Refusal("it is of raw bytes")
    what, hint = _NO_TENSOR_DTYPE.get(dtype.char, (f"is {dtype}, which torch lacks", None))
    raise Refusal(f"it {what}", hint)


# --- torch to NumPy ---------------------------------------------------------------------------


def refuse_transforms(tensor: torch.Tensor, torch: Any) -> None:
    """Refuse a tensor whose values a transform or a trace would take for its own."""
    if torch.compiler.is_compiling():
        refuse_trace()
    if torch._C._functorch.peek_interpreter_stack() is not None:  # noqa: SLF001
        raise Refusal("this runs inside a torch.func transform", "convert outside of the transform")
    if torch._C._get_tracing_state() is not None:  # noqa: SLF001
        refuse_trace()
    if torch._C._len_torch_dispatch_stack():  # noqa: SLF001
        from torch.fx.experimental.proxy_tensor import get_proxy_mode  # noqa: PLC0415

        if get_proxy_mode() is not None:
            refuse_trace()
        if torch._C._get_dispatch_mode(torch._C._TorchDispatchModeKey.FAKE) is not None:  # noqa: SLF001
            raise Refusal(
                "FakeTensorMode is on, in which no tensor has values", "convert outside of it"
            )
    forward_ad = torch.autograd.forward_ad
    if forward_ad._current_level >= 0 and forward_ad.unpack_dual(tensor).tangent is not None:  # noqa: SLF001
        raise Refusal(
            "it is a forward-mode dual, and an array would drop its tangent",
            "torch.autograd.forward_ad.unpack_dual({0}).primal",
        )


def refuse_trace() -> NoReturn:
    """Refuse what a trace would take for a constant."""
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


def refuse_kinds(tensor: torch.Tensor, torch: Any) -> None:
    """Refuse a kind of tensor that no array can be."""
    kind = type(tensor)
    name = kind.__name__
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
    if tensor.dtype not in _numpy_dtypes():
        dtype = dtype_name(tensor.dtype)
        exact = {"complex32": "{0}.to(torch.complex64)"}
        floating = tensor.dtype.is_floating_point
        raise Refusal(
            f"NumPy has no dtype {dtype}",
            exact.get(dtype, "{0}.float()" if floating else "{0}.to(torch.uint8)"),
        )


_MAX_NDIM: Final = 64


@cache
def _numpy_dtypes() -> frozenset[torch.dtype]:
    """The torch dtypes that NumPy has too."""
    names = {dtype_name(dtype) for dtype in PLAIN_DTYPES}
    return frozenset(dtype for dtype, name in TORCH.dtypes().items() if name in names)
