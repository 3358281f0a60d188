"""What is used of PyTorch that it promises to nobody, and what holds where a release is without it.

Each name is looked up here, once, when torch is there; the public way is taken where there is one. A name
that is missing costs speed or a feature, never an error: the fast path leaves all to the slow one, and
what the slow one cannot ask any more, torch itself refuses when its memory is asked for.
"""

from __future__ import annotations

import contextlib
import importlib
import sys
import warnings
from functools import cache
from typing import TYPE_CHECKING, Any, NamedTuple

from sekisho.ground import look_up

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = [
    "Asked",
    "asked_of",
    "compiler_flag",
    "forward_level",
    "has_fake_mode",
    "has_proxy_mode",
    "has_tangent",
    "is_in_trace",
    "is_tracing_context",
    "is_zero",
    "make_tables",
    "mode_stack",
    "note_builtin",
    "note_inline",
    "write_count",
]


def _working(*candidates: Any) -> Any:
    """The first of these that can be called; a public function may stand on a private one that is gone."""
    for each in candidates:
        try:
            each()
        except Exception:  # noqa: BLE001, S112 - None, or of a release that takes arguments
            continue
        return each
    return None


def _nothing() -> None:
    return None


def _never() -> bool:
    return False


def _none() -> int:
    return 0


class Asked(NamedTuple):
    """What is asked before memory is shared.

    Attributes:
        transform: the innermost transform of `torch.func` that runs, or None.
        is_tracing: whether `torch.jit.trace` records.
        modes: how many dispatch modes are on: fake tensors, `make_fx`, a user's own.
        is_complete: whether all three can be asked; if not, nothing is shared on the fast path.
    """

    transform: Callable[[], Any]
    is_tracing: Callable[[], bool]
    modes: Callable[[], int]
    is_complete: bool


@cache
def asked_of(torch: Any) -> Asked:
    """Look up what is asked before memory is shared."""
    transform = _working(look_up(torch, "_C._functorch.peek_interpreter_stack"))
    # The public function asks `_C` and more, and takes twice as long.
    is_tracing = _working(look_up(torch, "_C._is_tracing"), look_up(torch, "jit.is_tracing"))
    modes = _working(look_up(torch, "_C._len_torch_dispatch_stack"))
    found = (transform or _nothing, is_tracing or _never, modes or _none)
    return Asked(*found, is_complete=None not in {transform, is_tracing, modes})


def is_in_trace(torch: Any) -> bool:
    """Whether `torch.jit.trace` records what runs now, or `torch.jit.script` reads it."""
    state = _working(look_up(torch, "_C._get_tracing_state"))
    return asked_of(torch).is_tracing() if state is None else state() is not None


def has_fake_mode(torch: Any) -> bool:
    """Whether the innermost dispatch mode of fake tensors is on. Where it cannot be asked: no."""
    get, key = (
        look_up(torch, "_C._get_dispatch_mode"),
        look_up(torch, "_C._TorchDispatchModeKey.FAKE"),
    )
    return get is not None and key is not None and get(key) is not None


def has_proxy_mode() -> bool:
    """Whether `make_fx` records what runs now. Where it cannot be asked: no."""
    try:
        proxy: Any = importlib.import_module("torch.fx.experimental.proxy_tensor")
        return proxy.get_proxy_mode() is not None
    except (ImportError, AttributeError):
        return False


def is_tracing_context() -> bool:
    """Whether a compiler of torch is at work in this thread, around what runs now.

    Where it cannot be asked: no. Then a guard that is called for the first time in what is compiled may
    be compiled twice.
    """
    context = getattr(sys.modules.get("torch._guards"), "TracingContext", None)
    try_get = getattr(context, "try_get", None)
    return try_get is not None and try_get() is not None


# --- read at each call: an attribute of a module, or of what stands for it --------------------------


class _PublicFlag:
    """Stands for `torch.compiler`, where it has no such flag."""

    def __init__(self, is_compiling: Callable[[], bool]) -> None:
        self._ask = is_compiling

    @property
    def _is_compiling_flag(self) -> bool:
        return self._ask()


def compiler_flag(torch: Any) -> Any:
    """What has, as ``_is_compiling_flag``, what `is_compiling` says to who is not traced."""
    compiler = torch.compiler
    has_flag = isinstance(getattr(compiler, "_is_compiling_flag", None), bool)
    return compiler if has_flag else _PublicFlag(compiler.is_compiling)


class _UnknownLevel:
    """Stands for `torch.autograd.forward_ad`, where it has no such level: each tensor is asked."""

    _current_level = 0


def has_tangent(tensor: Any, torch: Any) -> bool:
    """Whether a tensor is a dual of forward-mode autograd."""
    # Else `unpack_dual`, which takes 8 us.
    if forward_level(torch)._current_level < 0:  # noqa: SLF001 - what this file is for
        return False
    return torch.autograd.forward_ad.unpack_dual(tensor).tangent is not None


def forward_level(torch: Any) -> Any:
    """What has, as ``_current_level``, the level of forward-mode autograd: below 0 there is none."""
    forward_ad = torch.autograd.forward_ad
    has_level = isinstance(getattr(forward_ad, "_current_level", None), int)
    return forward_ad if has_level else _UnknownLevel


# --- of a tensor ----------------------------------------------------------------------------------


def is_zero(tensor: Any) -> bool:
    """Whether a tensor is a lazy zero, whose memory nobody has written. Where it cannot be asked: no.

    Every release whose `numpy` hands such memory out can be asked.
    """
    ask = getattr(tensor, "_is_zerotensor", None)
    return ask is not None and ask()


def write_count(tensor: Any) -> int | None:
    """How often a tensor has been written into; None where nobody counts: there is no other counter."""
    try:
        count = tensor._version  # noqa: SLF001 - what this file is for
    except (AttributeError, RuntimeError):  # tensors of inference mode have none
        return None
    return count if type(count) is int else None


# --- while operations are watched, or wrapped -------------------------------------------------------


class ModeStack(NamedTuple):
    """Torch's stack of function modes in this thread."""

    size: Callable[[], int]
    pop: Callable[[], Any]
    push: Callable[[Any], None]


def mode_stack(torch: Any) -> ModeStack | None:
    """Torch's stack of function modes; None, and a warning, if a mode cannot be put below others.

    The public way is to enter one, which puts it on top: a body that leaves a mode of its own would
    take that one away.
    """
    names = ("_len_torch_function_stack", "_pop_mode", "_push_mode")
    found: list[Any] = [getattr(torch.overrides, name, None) for name in names]
    if None not in found:
        return ModeStack(*found)
    missing = ", ".join(
        f"torch.overrides.{name}" for name, each in zip(names, found, strict=True) if each is None
    )
    warnings.warn(
        f"strict mode sees no operations of PyTorch: torch {torch.__version__} has no {missing}.\n"
        f"  hint: a release of sekisho that knows it, or an older torch",
        RuntimeWarning,
        stacklevel=2,
    )
    return None


def make_tables(torch: Any) -> None:
    """Have torch make its tables of functions now, of the functions themselves, where it keeps any."""
    try:
        device: Any = importlib.import_module("torch.utils._device")
    except ImportError:
        device = None
    for make in (
        getattr(device, "_device_constructors", None),
        look_up(torch, "jit._builtins._get_builtin_table"),
    ):
        _working(make)


def note_builtin(torch: Any, original: Any, wrapper: Any) -> None:
    """Have TorchScript take a wrapper for what it wraps; where it keeps no table, it may refuse it."""
    find = look_up(torch, "jit._builtins._find_builtin")
    register = look_up(torch, "jit._builtins._register_builtin")
    if find is None or register is None:
        return
    with contextlib.suppress(Exception):  # one of them may stand on what is gone
        found = find(original)
        if found is not None:
            register(wrapper, found)


def note_inline(original: Any, wrapper: Any) -> None:
    """Have a compiler of torch trace what a wrapper wraps, as torch.compile's own wrappers say it."""
    wrapper._torchdynamo_inline = original  # noqa: SLF001 - what this file is for
