"""PyTorch: tensors share a host array's memory where that is safe, else they copy or refuse."""

from __future__ import annotations

import warnings
from contextlib import contextmanager, nullcontext
from functools import cache
from typing import TYPE_CHECKING, Any, Final

from sekisho.errors import first_line, is_out_of_memory
from sekisho.worlds.alias import Alias
from sekisho.worlds.dtypes import dtype_name, plain_array
from sekisho.worlds.library import Library
from sekisho.worlds.policy import Converted, Policy, Refusal, forbid_copy
from sekisho.worlds.release import release_of
from sekisho.worlds.supplement import Supplement
from sekisho.worlds.torch import _private, kinds, memory
from sekisho.worlds.torch import operations as of_torch
from sekisho.worlds.torch._private import is_tracing_context, mark_axes, node_parts
from sekisho.worlds.torch.layouts import LAYOUTS, PLAIN, SCARCE
from sekisho.worlds.torch.probes import Probes
from sekisho.worlds.torch.spelling import SPELLING
from sekisho.worlds.torch.stubs import SUPPLEMENT

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterator, Mapping

    import torch

    from sekisho.worlds.layout import Layout
    from sekisho.worlds.shown import OperationKind, Watcher

__all__ = ["OLDEST_TORCH", "WORLD", "is_tracing_context", "mark_axes", "node_parts"]

OLDEST_TORCH: Final = (2, 6)
"""The oldest release that sekisho is tested with; also in pyproject.toml."""


class _Torch(Probes, Library):
    """PyTorch."""

    name = "torch"
    label = "PyTorch"
    array_class = "Tensor"
    noun = "a tensor"
    package = "sekisho[torch]"
    is_mutable = True
    is_resident = True
    options: frozenset[str] = frozenset({"device", "scalars", "local"})
    shows_all = True
    operations: Mapping[OperationKind, tuple[str, ...]] = of_torch.OPERATIONS
    unshown: Mapping[OperationKind, tuple[str, ...]] | None = of_torch.UNSHOWN
    element_wise: tuple[str, ...] = of_torch.ELEMENT_WISE
    cheaper: Mapping[str, str] = of_torch.CHEAPER
    quick: frozenset[str] = of_torch.QUICK
    read_only_because: str | None = "since a write would bypass autograd"
    spelling: Mapping[str, str] = SPELLING
    passes_on: tuple[str, ...] = (
        "torch.overrides",
        "torch._tensor",
        "torch.functional",
        "torch.nn.functional",
        "torch.nn.modules.loss",
        "torch.nn.modules.module",
    )
    readers: Mapping[str, str] = dict.fromkeys((".pt", ".pth"), "torch.load({0})")
    words: Mapping[str, str] = {
        "unsqueeze": "expand_dims(x, axis)",
        "cat": "concat(arrays, axis=0)",
        "permute": "permute_dims(x, axes)",
        "swapdims": "permute_dims(x, axes), or transpose2d(x)",
        "t": "transpose2d(x)",
        "movedim": "moveaxis(x, source, destination)",
        **dict.fromkeys(("from_numpy", "tensor", "as_tensor", "from_dlpack"), "to_torch(x)"),
        **dict.fromkeys(("numpy", "detach", "cpu"), "to_numpy(x)"),
        "is_tensor": "is_torch(x)",
    }
    supplement: Supplement = SUPPLEMENT
    makers: frozenset[str] = frozenset({"tensor", "as_tensor", "from_numpy"})
    layouts: Mapping[str, Layout] = LAYOUTS
    plain: str = PLAIN
    scarce: frozenset[str] = SCARCE

    def on_load(self) -> None:
        look_at_version(self.module())

    def is_module(self, value: object) -> bool:
        nn = getattr(self.module(), "nn", None)
        return nn is not None and isinstance(value, nn.Module)

    def dtypes(self) -> Mapping[Any, str]:
        return _dtypes(self.module()) if self.is_loaded() else {}

    def is_dtype(self, value: object) -> bool:
        return self.is_loaded() and isinstance(value, self.module().dtype)

    def alias(self, hint: Any) -> Alias | None:
        """Parse a legacy class, as ``torch.LongTensor``, which is not the `type` of any tensor."""
        if type(hint).__name__ != "tensortype":
            return None
        name = dtype_name(hint.dtype)
        # Classes of another device or layout are left to torch's own `isinstance`.
        is_plain = not hint.is_cuda and not hint.is_sparse and hint.__module__ == "torch"
        return Alias(hint.__name__, (name,), name, None, kind=None if is_plain else hint)

    def size(self, value: Any) -> int:
        return int(value.numel())

    def sampled(self, value: Any, steps: tuple[int, ...]) -> Any:
        if hasattr(value, "to_local"):
            return value  # for a DTensor every rank would have to take part in the indexing
        is_strided = not value.is_nested and value.layout is self.module().strided
        return super().sampled(value, steps) if is_strided else None

    def why_shapeless(self, value: Any) -> tuple[str, str] | None:
        if not value.is_nested:
            return None
        return "is nested and has no sizes", "make it with layout=torch.jagged, which has sizes"

    # --- where it is

    def device(self, value: Any) -> Any:
        return value.device

    def device_name(self, value: Any) -> str:
        device = value.device
        return "cpu" if device.type == "cpu" else str(device)

    def devices(self) -> tuple[Any, ...]:
        torch = self.load()
        names = ["cpu"]
        if torch.cuda.is_available():
            names.append("cuda:0")
        return tuple(torch.device(name) for name in names)

    def parse_device(self, device: Any) -> Any:
        try:
            found = self.load().device(device)
            # Tensors on the host report "cpu" even if the device was given as "cpu:0".
            return self.load().device("cpu") if found.type == "cpu" else found
        except (RuntimeError, TypeError) as error:
            raise Refusal(kinds.why_no_device(device, error)) from None

    def is_on(self, value: Any, device: Any) -> bool:
        """Return whether a tensor is on a device; ``cuda`` without an index matches any GPU."""
        found = value.device
        return bool(found == device or (device.index is None and found.type == device.type))

    def device_question(self, device: Any) -> tuple[str, str | None]:
        return ("device.type", repr(device.type)) if device.index is None else ("device", None)

    # --- crossing
    #
    # DLPack is never used between an array and a tensor: it aborts the process on negative strides
    # and returns uninitialised memory for tensor subclasses. The rule behind every branch was
    # measured; each is a row of the table in docs/crossings.md.

    def from_host(self, array: Any, policy: Policy) -> Converted:
        torch = self.load()
        readable, view_as = memory.readable_array(plain_array(array, self.noun), torch)
        readable = memory.with_plain_strides(readable)
        reason = "copy=True" if policy.copy else memory.why_not_shared(readable)
        if reason is None:
            tensor = torch.from_numpy(readable)
        else:
            forbid_copy(policy, reason)
            tensor = memory.copied_tensor(readable, torch)
        if view_as is not None:
            tensor = tensor.view(view_as)
        moved = self.move(tensor, policy._replace(copy=None if policy.copy else policy.copy))
        return Converted(moved.value, moved.copied or reason)

    def move(self, value: Any, policy: Policy) -> Converted:
        if policy.device is None or self.is_on(value, policy.device):
            if policy.copy:
                return Converted(value.clone(), "copy=True")
            return Converted(value, None)
        kinds.refuse_meta(policy.device)
        reason = f"it moved from {value.device} to {policy.device}"
        forbid_copy(policy, reason)
        try:
            moved = value.to(policy.device)
        except (AssertionError, NotImplementedError, RuntimeError) as error:
            if is_out_of_memory(error):
                raise
            why = f"this machine cannot move it to {policy.device}: {first_line(error)}"
            raise Refusal(why) from None
        return Converted(moved, reason)

    def to_host(self, value: Any, policy: Policy) -> Converted:
        torch, tensor = self.module(), value
        kinds.refuse_transforms(tensor, torch)
        carried = memory.carried_as(tensor, torch, imports=policy.extended)
        kinds.refuse_kinds(tensor, torch, has_dtype=carried is not None or _has_dtype(tensor.dtype))
        if tensor.requires_grad:
            if not policy.detach:
                raise Refusal(
                    "it requires grad, and an array would cut it from its graph",
                    "{0}.detach(), or the option detach=True",
                )
            tensor = tensor.detach()
        if carried is None:
            return self._to_host(tensor, policy)
        bits = self._to_host(tensor, policy, carried.bits)
        return bits._replace(value=bits.value.view(carried.dtype))

    def _to_host(self, tensor: Any, policy: Policy, bits: Any = None) -> Converted:
        """Convert a tensor to an array; viewed as `bits` if NumPy lacks the tensor's dtype."""
        reason = "copy=True" if policy.copy else None
        if tensor.device.type != "cpu":
            reason = f"it moved from {tensor.device} to the host"
        elif tensor.is_conj() or tensor.is_neg() or _private.is_zero(tensor):
            reason = "it is a lazy conjugate, negative or zero"
        if reason is not None:
            forbid_copy(policy, reason)
            if _private.is_zero(tensor):  # torch 2.4 returns memory never written
                zeros = self.module().zeros(tensor.shape, dtype=bits or tensor.dtype).numpy()
                return Converted(zeros, reason)
            if bits is not None:  # only materialized values can be viewed under another dtype
                tensor = tensor.resolve_conj().resolve_neg().view(bits)
            array = tensor.numpy(force=True)
            # On the host, force=True only copies lazy tensors.
            return Converted(array.copy() if reason == "copy=True" else array, reason)
        array = tensor.numpy() if bits is None else tensor.view(bits).numpy()
        if policy.read_only or memory.may_overlap(tensor):
            array.flags.writeable = False
        return Converted(array, None)

    # --- writes

    def write_count(self, value: Any) -> int | None:
        return _private.write_count(value)

    def may_share(self, value: Any, other: Any) -> bool:
        # All views of one tensor share its count of writes, even those of other elements.
        if not self.owns(other):
            return False
        try:
            return bool(value.untyped_storage().data_ptr() == other.untyped_storage().data_ptr())
        except (RuntimeError, NotImplementedError):  # a tensor without memory of its own
            return value is other

    def counting_writes(self) -> Any:
        torch = self.module()
        return _outside_inference(torch) if torch.is_inference_mode_enabled() else nullcontext()

    # --- the fast path: everything that it checks is looked up once, when it is made

    def quick_from_host(self, dtypes: frozenset[Any] | None) -> Callable[[Any], Any]:
        return memory.make_share_array(self.load(), dtypes)

    def quick_to_host(
        self, dtypes: frozenset[Any] | None, *, read_only: bool
    ) -> Callable[[Any], Any] | None:
        if not _private.asked_of(self.load()).is_complete:
            return None  # this release cannot answer all questions that the fast path must ask
        return memory.make_share_tensor(self.load(), dtypes, read_only=read_only)

    def quick_is_compiling(self) -> Callable[[], bool]:
        # The shared function itself detects the other compilers.
        found: Callable[[], bool] = self.load().compiler.is_dynamo_compiling
        return found

    # --- used by messages and hints

    def runs_plainly(self) -> bool:
        torch = self.module()
        asked = _private.asked_of(torch)
        return asked.transform() is None and not _private.is_in_trace(torch) and not asked.modes()

    def host_values(self, value: Any) -> Any:
        torch, tensor = self.module(), value.detach().cpu()
        if dtype_name(tensor.dtype) not in kinds.numpy_names():
            tensor = tensor.to(torch.complex64 if tensor.dtype.is_complex else torch.float32)
        return tensor.numpy(force=True)

    def rounded_to(self, values: Any, dtype: str) -> tuple[Any, float]:
        torch = self.module()
        found = getattr(torch, dtype)
        wide = torch.complex64 if found.is_complex else torch.float32
        # Copied first: torch must not read unaligned memory of the caller.
        cast = memory.copied_tensor(values, torch).to(found).to(wide)
        return cast.numpy(), float(torch.finfo(found).eps)

    def cast(self, value: Any, dtype: str) -> Any:
        return value.to(getattr(self.module(), dtype))

    def shaped_like(self, value: Any, dtype: str) -> Any:
        torch = self.module()
        like = torch.zeros((), dtype=getattr(torch, dtype), device=value.device)
        return like.expand(value.shape).requires_grad_(value.requires_grad)

    def making_calls(
        self, dtype: str | None, *, is_number: bool
    ) -> Iterator[tuple[str, str | None]]:
        for way in ("torch.tensor({0}", "torch.tensor([{0}]")[: 1 + is_number]:
            yield f"{way})", "numpy.asarray({0})"
            if dtype is not None:
                yield f"{way}, dtype=torch.{dtype})", "numpy.asarray({0})"

    # --- the operations of the helpers, and strict mode

    def permute_dims(self, x: Any, axes: tuple[int, ...]) -> Any:
        return x.permute(axes)

    def moveaxis(self, x: Any, source: Any, destination: Any) -> Any:
        return x.moveaxis(source, destination)

    def squeeze(self, x: Any, axis: Any) -> Any:
        return x.squeeze(axis)

    def concat(self, arrays: Any, axis: int | None) -> Any:
        if axis is None:
            arrays, axis = [each.reshape(-1) for each in arrays], 0
        return self.module().cat(arrays, axis)

    def stack(self, arrays: Any, axis: int) -> Any:
        return self.module().stack(arrays, axis)

    def watcher(self, state: Any, judge: Callable[..., None]) -> Watcher | None:
        from sekisho.worlds.torch.watcher import make_watcher  # noqa: PLC0415 - strict mode only

        return make_watcher(self, state, judge)

    def operation_name(self, operation: Any) -> str:
        if isinstance(operation, str):
            return f"torch.{operation.removesuffix('.__init__')}"
        return of_torch.name_of(self.load(), operation)

    def prepare_wrapping(self) -> None:
        of_torch.prepare_wrapping(self.module())

    def note_wrapper(self, original: Any, wrapper: Any) -> None:
        of_torch.note_wrapper(self.module(), original, wrapper)

    def why_copied(
        self,
        operation: str,
        value: Any,
        crossed: Any,
        source: Library,
        target: Library,
        *,
        is_list: bool = False,
    ) -> str | None:
        return of_torch.why_copied(operation, value, crossed, source, target, is_list=is_list)

    def waits_for(self, operation: str, args: tuple[Any, ...]) -> str:
        return of_torch.waits_for(self.module(), operation, args)

    def worker_name(self) -> str | None:
        return of_torch.worker_name(self.module())


@contextmanager
def _outside_inference(torch: Any) -> Generator[None]:
    # Leaving inference mode would turn gradients back on, so turn them off.
    with torch.inference_mode(mode=False), torch.no_grad():
        yield


@cache
def _dtypes(torch: Any) -> dict[Any, str]:
    known = [each for each in torch.__dict__.values() if isinstance(each, torch.dtype)]
    return {dtype: dtype_name(dtype) for dtype in known}


def _has_dtype(dtype: torch.dtype) -> bool:
    return dtype_name(dtype) in kinds.numpy_names()


_is_version_known = False


def look_at_version(torch: Any) -> None:
    """Warn once about a torch release that is too old to be tested: old ones have lost values.

    On torch 2.4, for example, a lazy zero tensor is converted to memory that was never written.
    This function is not called in mode ``"off"``.
    """
    global _is_version_known  # noqa: PLW0603 - one torch per process
    found = release_of(torch)
    if _is_version_known or not found:
        return
    _is_version_known = True
    if found < OLDEST_TORCH:
        oldest = ".".join(map(str, OLDEST_TORCH))
        warnings.warn(
            f"torch {torch.__version__} is older than {oldest}, the oldest that sekisho is tested with: "
            f"on some such releases values are lost.\n"
            f"  hint: torch>={oldest}, or SEKISHO_MODE=off",
            RuntimeWarning,
            stacklevel=2,
        )


WORLD: Final = _Torch()
