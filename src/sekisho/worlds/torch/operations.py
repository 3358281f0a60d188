"""Operations of torch that convert arrays, move tensors or wait for a device.

Which of them share memory and which copy was measured by comparing addresses; a Hypothesis test
verifies it.
"""

from __future__ import annotations

import importlib
from functools import cache, lru_cache
from typing import TYPE_CHECKING, Any, Final

from sekisho.worlds.dtypes import dtype_name
from sekisho.worlds.shown import FUNCTIONS, LOSSES, OPERATORS
from sekisho.worlds.torch import _private
from sekisho.worlds.wrapping import scalars_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sekisho.worlds.library import Library
    from sekisho.worlds.shown import OperationKind

__all__ = [
    "CHEAPER",
    "ELEMENT_WISE",
    "QUICK",
    "OPERATIONS",
    "kind_of_operation",
    "name_of",
    "note_wrapper",
    "prepare_wrapping",
    "suspects",
    "waits_for",
    "why_copied",
    "worker_name",
]

_SCALARS: Final = scalars_of("Tensor")

OPERATIONS: Final[Mapping[OperationKind, tuple[str, ...]]] = {
    "import": (
        "from_numpy",
        "as_tensor",
        "tensor",
        "asarray",
        "from_dlpack",
        "utils.dlpack.from_dlpack",
        "frombuffer",
        "sparse_coo_tensor",
        "Tensor.new_tensor",
        "Tensor.__array_wrap__",
        "Tensor.__init__",  # for torch.Tensor(array): __new__ is in C, and this runs after it
    ),
    "export": ("Tensor.numpy", "Tensor.__array__", "Tensor.__dlpack__", "utils.dlpack.to_dlpack"),
    "scalar": (*_SCALARS, "Tensor.__repr__", "Tensor.__format__"),
    # Other operators take no array, or use __array__ and __array_wrap__. `__getitem__` does, but a
    # class with one that is written in Python is a sequence, now and for ever: CPython keeps the
    # slot, and `torch.tensor([torch.tensor(0)])` would raise.
    "compute": ("Tensor.__setitem__", "Tensor.__eq__"),
    "move": ("Tensor.to", "Tensor.cpu", "Tensor.cuda", "Tensor.copy_"),
    "wait": (
        "cuda.synchronize",
        "cuda.Stream.synchronize",
        "cuda.Event.synchronize",
        "accelerator.synchronize",
        "mps.synchronize",
    ),
}

CHEAPER: Final[Mapping[str, str]] = dict.fromkeys(
    ("torch.tensor", "torch.Tensor.new_tensor"), "torch.from_numpy"
)

QUICK: Final = frozenset(
    {"from_numpy", "as_tensor", "tensor", "Tensor.numpy", "Tensor.__array__", *_SCALARS}
)

ELEMENT_WISE: Final = (
    *(f"Tensor.__{r}{name}__" for name in OPERATORS.split() for r in ("", "r")),
    *(
        f"{holder}{name}"
        for name in (*OPERATORS.split(), *FUNCTIONS.split())
        for holder in ("Tensor.", "", "special.")
    ),
    *(f"nn.functional.{name}" for name in LOSSES.split()),
)
"""Some of these names do not exist. Operations in place are not here: they cannot expand a tensor."""

UNSHOWN: Final[Mapping[OperationKind, tuple[str, ...]]] = {
    "compute": ("from_numpy", "from_dlpack", "utils.dlpack.from_dlpack", "frombuffer"),
    "import": ("Tensor.__init__",),
}
"""Operations that reach no mode. ``torch.Tensor(array)`` runs in C, which then calls `__init__`."""

_COPYING: Final = frozenset({"tensor", "Tensor.new_tensor", "sparse_coo_tensor"})


def why_copied(
    operation: str, value: Any, crossed: Any, source: Library, target: Library, *, is_list: bool
) -> str | None:
    """Return why an operation had to copy; None if its result shares the value's memory."""
    if crossed is value:
        return None  # an operand, which is viewed rather than converted
    before, after = source.device_name(value), target.device_name(crossed)
    dtypes = dtype_name(value.dtype), dtype_name(crossed.dtype)
    reason = None
    if before != after:
        reason = f"it moved from {before} to {after}"
    elif operation in _COPYING:
        reason = f"torch.{operation} always copies{' a list, array by array' if is_list else ''}"
    elif is_list:
        reason = "a list is copied, array by array"
    elif dtypes[0] != dtypes[1]:
        reason = f"{dtypes[0]} becomes {dtypes[1]}"
    elif operation == "asarray" and not value.shape:
        reason = "torch.asarray takes an array without axes for a number"
    return reason


def prepare_wrapping(torch: Any) -> None:
    """Make torch build its tables of functions now, while they hold the unwrapped functions."""
    _private.make_tables(torch)
    torch.overrides.get_testing_overrides()
    torch.overrides.resolve_name(torch.Tensor.numpy)


def note_wrapper(torch: Any, original: Any, wrapper: Any) -> None:
    """Make TorchScript and strict mode treat a wrapper like the function that it wraps."""
    _private.note_builtin(torch, original, wrapper)
    _private.note_inline(original, wrapper)
    kind = suspects().get(original)
    if kind is not None:
        suspects()[wrapper] = kind


def waits_for(torch: Any, operation: str, args: tuple[Any, ...]) -> str:
    """Return the device of a ``synchronize``: the stream's, the event's, the argument, or all."""
    device = getattr(args[0], "device", args[0]) if args else None
    library = operation.partition(".")[0]
    if library == "accelerator":
        library = getattr(torch.accelerator.current_accelerator(), "type", "cpu")
    return f"{library}:{device}" if isinstance(device, int) else str(device or library)


def worker_name(torch: Any) -> str | None:
    """Return the name of a DataLoader worker process, with its number."""
    data = getattr(getattr(torch, "utils", None), "data", None)
    worker = data.get_worker_info() if data is not None else None
    return None if worker is None else f"DataLoader worker {worker.id}"


@lru_cache(1024)
def name_of(torch: Any, operation: Any) -> str:
    """Return a message's name for a function of torch."""
    # Once for each function: torch's look-up changes the filters of warnings for a moment, so that
    # Python forgets which warnings it has shown, and shows them again.
    resolve = torch.overrides.resolve_name
    # While crossings are counted, the operation is a wrapper.
    name = resolve(operation) or resolve(getattr(operation, "__wrapped__", None))
    return name or f"torch.{operation.__name__}"


# --- for strict mode, which sees every operation of torch ----------------------------------------


@cache
def suspects() -> dict[Any, OperationKind]:
    """Return operations of torch that need a closer look, with what they do.

    Each is listed as a function and as its wrapper: torch may pass either to a mode, even after the
    crossing log has ended.
    """
    torch = importlib.import_module("torch")
    names = "item tolist equal allclose is_nonzero __bool__ __int__ __float__ __complex__"
    names += " __index__ __contains__ __repr__ __format__"
    tensor = torch.Tensor
    scalars = [getattr(tensor, name) for name in names.split()]
    found: dict[Any, OperationKind] = dict.fromkeys(
        (*scalars, torch.equal, torch.allclose, torch.is_nonzero), "scalar"
    )
    found.update(dict.fromkeys((tensor.numpy, tensor.__array__, tensor.__dlpack__), "export"))
    made = (torch.tensor, torch.as_tensor, torch.asarray, tensor.new_tensor)
    found.update(dict.fromkeys(made, "import"))
    for each, kind in tuple(found.items()):
        if hasattr(each, "__wrapped__"):
            found[each.__wrapped__] = kind
    return found


# Methods that inspect a tensor without computing, which do not count as operations.
_LOOK_NAMES: Final = (
    "size dim ndimension numel nelement stride storage_offset element_size data_ptr get_device "
    "is_contiguous is_floating_point is_complex is_signed is_conj is_neg is_inference is_pinned "
    "is_shared is_set_to is_same_size __len__ __hash__ __repr__ __format__ type"
)
_LOOKS: Final = frozenset(_LOOK_NAMES.split())
_VALUES: Final = frozenset({"T", "H", "mT", "mH", "real", "imag", "data", "grad"})


def kind_of_operation(operation: Any) -> OperationKind:
    """Return what an operation does: Python numbers, an array, inspection, or computation."""
    known = suspects().get(operation)
    if known is not None:
        return known
    name = operation.__name__
    if name == "__get__":
        return "compute" if operation.__self__.__name__ in _VALUES else "look"
    return "look" if name in _LOOKS else "compute"
