"""CuPy: NumPy-like arrays on a CUDA device. Every conversion copies, as no memory is shared."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from sekisho.worlds.dtypes import PLAIN_DTYPES, dtype_name, plain_array, refuse_dtype
from sekisho.worlds.library import Library
from sekisho.worlds.policy import Converted, Policy, Refusal, forbid_copy
from sekisho.worlds.shown import OperationKind
from sekisho.worlds.spelling import made_like_numpy, spelled_like_numpy
from sekisho.worlds.supplement import Supplement
from sekisho.worlds.wrapping import operators_of, scalars_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

__all__ = ["WORLD"]


class _CuPy(Library):
    """CuPy."""

    name = "cupy"
    label = "CuPy"
    array_class = "ndarray"
    is_mutable = True
    noun = "an array of CuPy"
    package = "cupy-cuda12x, or the build for your CUDA"
    options: frozenset[str] = frozenset({"detach", "device", "scalars"})
    spelling: Mapping[str, str] = spelled_like_numpy("cupy")
    words: Mapping[str, str] = {"asnumpy": "to_numpy(x)"}
    supplement: Supplement = Supplement(suffixes=("_cp", "_cupy"))
    operations: Mapping[OperationKind, tuple[str, ...]] = {
        "scalar": scalars_of("ndarray"),
        "export": ("asnumpy", "ndarray.get"),
        "import": ("asarray", "array", "from_dlpack"),
        "compute": operators_of("ndarray"),
        "wait": ("cuda.Stream.synchronize", "cuda.Device.synchronize"),
    }

    def dtypes(self) -> Mapping[Any, str]:
        if not self.is_loaded():
            return {}
        return {dtype: dtype_name(dtype) for dtype in PLAIN_DTYPES}

    # --- where it is: a device is identified by its number

    def device(self, value: Any) -> Any:
        return value.device

    def device_name(self, value: Any) -> str:
        return f"cuda:{value.device.id}"

    def parse_device(self, device: Any) -> Any:
        cupy = self.load()
        if isinstance(device, cupy.cuda.Device):
            return device
        kind, _, index = (f"cuda:{device}" if isinstance(device, int) else str(device)).partition(
            ":"
        )
        if kind != "cuda" or not (index or "0").isdecimal():
            raise Refusal("CuPy's devices are 'cuda', 'cuda:0', 0, ...")
        return cupy.cuda.Device(int(index or 0))

    def is_on(self, value: Any, device: Any) -> bool:
        return bool(value.device.id == device.id)

    def move(self, value: Any, policy: Policy) -> Converted:
        if policy.device is None or self.is_on(value, policy.device):
            return super().move(value, policy)
        reason = f"it moved from {self.device_name(value)} to cuda:{policy.device.id}"
        forbid_copy(policy, reason)
        with policy.device:
            return Converted(self.load().array(value, copy=True), reason)

    # --- crossing

    def from_host(self, array: Any, policy: Policy) -> Converted:
        cupy = self.load()
        array = plain_array(array, self.noun)
        array = array.astype(array.dtype.newbyteorder("="), copy=False)
        if array.dtype not in PLAIN_DTYPES:
            refuse_dtype(array.dtype, self.name)
        reason = "it moved from the host to CUDA"
        forbid_copy(policy, reason)
        with policy.device or cupy.cuda.Device():
            # blocking: otherwise a copy from pinned memory continues while the array may change.
            return Converted(cupy.array(array, copy=True, blocking=True), reason)

    def to_host(self, value: Any, policy: Policy) -> Converted:
        reason = f"it moved from {self.device_name(value)} to the host"
        forbid_copy(policy, reason)
        return Converted(self.load().asnumpy(value), reason)  # waits for the copy to complete

    def making_calls(
        self, dtype: str | None, *, is_number: bool
    ) -> Iterator[tuple[str, str | None]]:
        return made_like_numpy("cupy", dtype, is_number=is_number)

    # --- the operations of the helpers: older releases only have NumPy's old names

    def permute_dims(self, x: Any, axes: tuple[int, ...]) -> Any:
        return x.transpose(axes)

    def concat(self, arrays: Any, axis: int | None) -> Any:
        return self.module().concatenate(arrays, axis)


WORLD: Final = _CuPy()
